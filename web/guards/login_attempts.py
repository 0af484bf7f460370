"""Throttling of logins: budgets of failures for an account, an address and the networks around it.

| who fails | counted for | when the budget is used up |
|---|---|---|
| any address | the account and the address | this address has to wait for this account |
| one that never logged into it | the address, for IPv6 its /56 and /48 too | it has to wait for such accounts |
| the same | the account | each such address, of IPv6 each /48, has one failure in 15 minutes |

For an address that has logged into the account within 30 days only the first row applies: strangers, elsewhere or in
the same network, cannot lock out a known address. No response reveals whether an account exists.
"""

from dataclasses import dataclass
from datetime import timedelta

import redis
import structlog

from common.domain import signing
from common.redis_store import keys
from web.guards.addresses import client_address, wider_networks
from web.guards.budgets import Budget, budgets
from web.services import services

log = structlog.get_logger(__name__)

REMEMBERED = timedelta(days=30)
_ALWAYS_LEFT_TO_STRANGERS = "1/15minute"
_TIMES_OF_WIDER = (4, 16)
"""How many times an address' budget the /56 and the /48 around it have."""

_PURPOSE = "known-address"
_PURPOSE_OF_COUNTERS = "login-name"
_LONGEST_NAME = 64


@dataclass(frozen=True)
class LoginAttempt:
    """An attempt to log in with this account name from the address of this request."""

    name: str
    is_known: bool

    def refuse_if_spent(self) -> None:
        """Raise `login_throttled` if no failure is left in a budget."""
        budgets().refuse_spent(*self._binding())

    def record(self, *, is_right: bool) -> None:
        """Count a failure, and remember where a success came from. Raises `login_throttled`.

        Simultaneous attempts may have used a budget up meanwhile: then the response does not reveal the result.
        """
        binding = self._binding()
        if not is_right:
            if not self.is_known:
                budgets().note(*{self._of_account(), self._of_stranger()}.difference(binding))
            budgets().spend(*binding)
            return
        budgets().refuse_spent(*binding)
        remember(self.name)

    def _binding(self) -> list[Budget]:
        """Return the budgets that may refuse this attempt."""
        mine = Budget("login_failures", services().settings.login_failure_limit, place_of(_counted_as(self.name)))
        if self.is_known:
            return [mine]
        slowed = [] if budgets().is_left(self._of_account()) else [self._of_stranger()]
        return [mine, *_of_networks(), *slowed]

    def _of_account(self) -> Budget:
        return Budget("account_failures", services().settings.account_failure_limit, _counted_as(self.name))

    def _of_stranger(self) -> Budget:
        widest = (client_address(), *wider_networks())[-1]
        return Budget("account_failures", _ALWAYS_LEFT_TO_STRANGERS, f"{widest}:{_counted_as(self.name)}")


def begin(username: str) -> LoginAttempt:
    """Return the attempt of this request to log in with this name."""
    name = username.lower()[:_LONGEST_NAME]
    return LoginAttempt(name, _is_known(name))


def place_of(name: str) -> str:
    """Return the name under which failures of an account and this request's address are counted."""
    return f"{client_address()}:{name}"


def _counted_as(name: str) -> str:
    """The name in a counter's key: a keyed digest, since now and then somebody types a password for a name."""
    return signing.derive(services().settings.secret_keys[0], _PURPOSE_OF_COUNTERS, name).hex()[:32]


def _of_networks() -> list[Budget]:
    limit = services().settings.network_failure_limit
    places = zip((client_address(), *wider_networks()), (1, *_TIMES_OF_WIDER), strict=False)
    return [Budget("network_failures", limit, place, times) for place, times in places]


def _is_known(name: str) -> bool:
    """Return whether this address has logged into this account within 30 days; False while Redis is away."""
    try:
        return bool(services().redis.exists(*(_mark(name, secret) for secret in services().settings.secret_keys)))
    except redis.RedisError:
        return False


def remember(username: str) -> None:
    """Remember for 30 days that whoever is at this address has the account, unless Redis is away."""
    name = username.lower()[:_LONGEST_NAME]
    try:
        services().redis.set(_mark(name, services().settings.secret_keys[0]), "1", ex=REMEMBERED)
    except redis.RedisError:
        log.warning("login_address_not_remembered")


def _mark(name: str, secret: bytes) -> str:
    """Return the Redis key of an account and this address, which reveals neither."""
    return keys.known_address(signing.derive(secret, _PURPOSE, place_of(name)).hex()[:32])
