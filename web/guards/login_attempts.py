"""What a login may still try: budgets of failures, of an account, an address and the networks around it.

| who fails | counted for | when it is used up |
|---|---|---|
| anybody | the account and the address | this address has to wait with this account |
| who never logged this account in from here | the address, of IPv6 its /56 and /48 too | it waits with such accounts |
| the same | the account | each such address, of IPv6 each /48, has one failure in 15 minutes |

An address that has logged the account in within 30 days meets only the first: what strangers do elsewhere, or in the
same network, keeps nobody out who has been there before. None of this tells whether there is such an account.
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
_LONGEST_NAME = 64


@dataclass(frozen=True)
class LoginAttempt:
    """A login that is tried for this account name from this request's address."""

    name: str
    is_known: bool

    def refuse_if_spent(self) -> None:
        """Raises `login_throttled` if another failure could not be afforded."""
        budgets().refuse_spent(*self._binding())

    def record(self, *, is_right: bool) -> None:
        """Count a failure, and remember where a success came from. Raises `login_throttled`.

        Others that were under way may have used the budgets up meanwhile: then nobody learns whether this was right.
        """
        binding = self._binding()
        if not is_right:
            if not self.is_known:
                budgets().note(*{self._of_account(), self._of_stranger()}.difference(binding))
            budgets().spend(*binding)
            return
        budgets().refuse_spent(*binding)
        _remember(self.name)

    def _binding(self) -> list[Budget]:
        """The budgets that may refuse this login."""
        mine = Budget("login_failures", services().settings.login_failure_limit, place_of(self.name))
        if self.is_known:
            return [mine]
        slowed = [] if budgets().is_left(self._of_account()) else [self._of_stranger()]
        return [mine, *_of_networks(), *slowed]

    def _of_account(self) -> Budget:
        return Budget("account_failures", services().settings.account_failure_limit, self.name)

    def _of_stranger(self) -> Budget:
        widest = (client_address(), *wider_networks())[-1]
        return Budget("account_failures", _ALWAYS_LEFT_TO_STRANGERS, f"{widest}:{self.name}")


def begin(username: str) -> LoginAttempt:
    """The guess that a login with this name is."""
    name = username.lower()[:_LONGEST_NAME]
    return LoginAttempt(name, _is_known(name))


def place_of(name: str) -> str:
    """An account and an address, as failures are counted."""
    return f"{client_address()}:{name}"


def _of_networks() -> list[Budget]:
    limit = services().settings.network_failure_limit
    places = zip((client_address(), *wider_networks()), (1, *_TIMES_OF_WIDER), strict=False)
    return [Budget("network_failures", limit, place, times) for place, times in places]


def _is_known(name: str) -> bool:
    """Whether this address has logged this account in. While Redis is away, none has."""
    try:
        return bool(services().redis.exists(*(_mark(name, secret) for secret in services().settings.secret_keys)))
    except redis.RedisError:
        return False


def _remember(name: str) -> None:
    try:
        services().redis.set(_mark(name, services().settings.secret_keys[0]), "1", ex=REMEMBERED)
    except redis.RedisError:
        log.warning("login_address_not_remembered")


def _mark(name: str, secret: bytes) -> str:
    """The key of an account and an address, from which neither can be read."""
    return keys.known_address(signing.derive(secret, _PURPOSE, place_of(name)).hex()[:32])
