"""Rate limits, declared through Flask-Limiter and counted in Redis, or in memory while Redis is away.

| limit | counts | by | window |
|---|---|---|---|
| ip | every request below /api without a valid API key and not of an admin | client address | sliding |
| admin | requests of admins below /api | admin | sliding |
| batch | requests with an API key | API key | sliding |
| batch_updates | updates in batches | API key | sliding |
| api_key_failures | API keys that nobody has; bad signatures | client address; and key | sliding |
| updates | score updates | user | moving (exact) |
| login | logins | client address | sliding |
| register | new accounts | client address | sliding |
| login_failures | failed logins | account and client address | sliding |
| network_failures | failed logins where the account is not known | client address; IPv6 /56 and /48 | sliding |
| account_failures | the same | account | sliding |
| exports | copies of one's data | user | moving (exact) |
| feeds | feeds, which are not below /api | client address | sliding |
| handshakes | live connections that were begun | client address | sliding |

`web/guards/budgets.py` checks the limits that no decorator can check.
"""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar, cast

import redis
from flask import Flask, Response, request
from flask_limiter import ApplicationLimit, Limiter, RateLimitExceeded, RequestLimit
from limits.storage import RedisStorage

from common.contract.errors import ErrorCode, outcome_unknown
from common.core import deadlines, metrics
from common.core.settings import Settings
from common.redis_store import keys
from web.guards import api_keys, limit_keys
from web.guards.access import identity, is_by_admin
from web.guards.addresses import client_address
from web.guards.api_keys import api_key_id, has_api_key
from web.guards.budgets import CODE_OF_LIMIT, Budget, Budgets, budgets, exceeded
from web.guards.errors import refuse
from web.guards.limit_keys import CountedLimit
from web.guards.limit_storage import SCHEME
from web.guards.request_context import COUNTED_BY_ADDRESS
from web.services import Services, services

View = TypeVar("View", bound=Callable[..., object])

EXPORTS = "3/day"
"""Copies of one's data: each reads all that a player ever did."""

FEEDS = "60/minute"
"""Feeds that an address may read: each of them changes twice a minute at most."""

_NAMES = "limits"


def names_of(view: Callable[..., object]) -> tuple[str, ...]:
    """Return the names of the limits that a view declares."""
    names: tuple[str, ...] = getattr(view, _NAMES, ())
    return names


def _declared(name: str, limit: Callable[[View], View]) -> Callable[[View], View]:
    """Return the limit as a decorator that also records its name on the view, for the documents."""

    def decorate(view: View) -> View:
        limited = limit(view)
        setattr(limited, _NAMES, (*names_of(view), name))
        return limited

    return decorate


_NO_VIEW = "no view"
"""A name of no view. Before a view with limits of its own Flask-Limiter does not look whether its storage is back, and
whoever is refused there would be for ever."""


class _RetryingLimiter(Limiter):
    """A limiter that counts in memory for every request when its storage fails, and does no work for nothing.

    Flask-Limiter does the former for the first request that finds the storage dead, and fails the others that were
    waiting for the storage at that moment. This class repeats their check. Before each request Flask-Limiter also
    resolves the limits of the route where none applies, which costs more than the rest of a health check.
    """

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        if in_middleware and not self._storage_dead and not self.counts_before_views():
            return
        if in_middleware and self._storage_dead:
            callable_name = _NO_VIEW
        try:
            super()._check_request_limit(callable_name, in_middleware)
        except redis.RedisError:
            self.context.seen_limits.clear()
            super()._check_request_limit(callable_name, in_middleware)

    def counts_before_views(self) -> bool:
        """Return whether a limit counts this request before its view is called, which checks its own limits."""
        return False


class _AddressLimiter(_RetryingLimiter):
    """The limiter that also has the limit of addresses."""

    def counts_before_views(self) -> bool:
        return _is_counted()


def _is_counted() -> bool:
    """Return whether the request is counted by its address or by its admin."""
    is_counted_already = COUNTED_BY_ADDRESS in request.environ
    return request.path.startswith("/api/") and not is_counted_already and not has_api_key()


def _is_counted_by_address() -> bool:
    return _is_counted() and not is_by_admin()


def _is_counted_by_admin() -> bool:
    return _is_counted() and is_by_admin()


_per_address = _AddressLimiter(
    client_address,
    strategy="sliding-window-counter",
    application_limits=[
        ApplicationLimit(
            limit_provider=lambda: services().settings.ip_limit,
            key_function=client_address,
            scope="ip",
            exempt_when=lambda: not _is_counted_by_address(),
        ),
        ApplicationLimit(
            limit_provider=lambda: services().settings.admin_limit,
            key_function=lambda: identity().user_id,
            scope="admin",
            exempt_when=lambda: not _is_counted_by_admin(),
        ),
    ],
    in_memory_fallback_enabled=True,
    # Requests that match no view are counted too: Flask-Limiter skips a request without an endpoint.
    request_identifier=lambda: request.endpoint or "unmatched",
)
_per_user = _RetryingLimiter(client_address, strategy="moving-window", in_memory_fallback_enabled=True)

per_user_updates = _declared(
    "updates",
    _per_user.shared_limit(
        lambda: services().settings.update_limit, scope="updates", key_func=lambda: identity().user_id
    ),
)
per_api_key = _declared(
    "batch",
    _per_address.shared_limit(
        lambda: services().settings.batch_limit,
        scope="batch",
        key_func=api_key_id,
        exempt_when=lambda: not has_api_key(),
    ),
)
per_address_registrations = _declared(
    "register",
    _per_address.shared_limit(
        lambda: services().settings.registration_limit,
        scope="register",
        key_func=client_address,
        deduct_when=lambda response: response.status_code == HTTPStatus.CREATED,
    ),
)
per_address_logins = _declared(
    "login",
    _per_address.shared_limit(lambda: services().settings.login_limit, scope="login", key_func=client_address),
)
per_user_exports = _declared(
    "exports", _per_user.shared_limit(lambda: EXPORTS, scope="exports", key_func=lambda: identity().user_id)
)
per_address_feeds = _declared("feeds", _per_address.shared_limit(lambda: FEEDS, scope="feeds", key_func=client_address))
per_account_failures = _declared("login_failures", lambda view: view)
"""Declares the limit that `web/guards/login_attempts.py` checks and counts, once the body names the account."""


def init_app(app: Flask, adapters: Services) -> None:
    metrics.begin_at_zero(limits=CODE_OF_LIMIT, codes=ErrorCode)
    app.config.update(
        RATELIMIT_STORAGE_URI=f"{SCHEME}://",
        RATELIMIT_STORAGE_OPTIONS={
            "key_prefix": keys.RATE_LIMIT_PREFIX,
            "client": adapters.redis_clients.limits,
        },
    )
    for limiter in (_per_address, _per_user):
        limiter._storage_dead = False  # of another application's storage; views are decorated before there is one
        limiter.init_app(app)
    app.extensions["budgets"] = Budgets(lambda: _per_address.limiter)
    api_keys.init_app(app, adapters.engine)
    app.register_error_handler(RateLimitExceeded, _refuse)


def address_limit(settings: Settings) -> CountedLimit | None:
    """Return the limit `ip` for scripts that count it themselves; None if the settings state several."""
    return limit_keys.sliding_limit(_storage(), settings.ip_limit, "ip")


def user_limit(settings: Settings) -> CountedLimit | None:
    """Return the limit `updates` for scripts that count it themselves; None if the settings state several."""
    return limit_keys.moving_limit(_storage(), settings.update_limit, "updates")


def handshake_limit(settings: Settings) -> CountedLimit | None:
    """Return the limit `handshakes` for scripts that count it themselves; None if the settings state several."""
    return limit_keys.sliding_limit(_storage(), settings.handshake_limit, "handshakes")


def _storage() -> RedisStorage:
    return cast(RedisStorage, _per_address.storage)


def count_handshake() -> None:
    """Count a live connection that is begun. Raises `rate_limited`."""
    budgets().spend(Budget("handshakes", services().settings.handshake_limit, client_address()))


def count_batch(updates: int) -> None:
    """Count the updates of a batch against its API key. Raises `rate_limited`."""
    budgets().spend(Budget("batch_updates", services().settings.batch_update_limit, api_key_id()), cost=updates)


def _refuse(met: RateLimitExceeded) -> Response:
    if advice := deadlines.in_doubt():  # what was sent ahead of Flask and lost may be what has filled the window
        return refuse(outcome_unknown("Redis", advice))
    breached = next(
        (limit for limiter in (_per_address, _per_user) for limit in limiter.current_limits if limit.breached), None
    )
    remaining, reset_at = _state_of(breached)
    return refuse(exceeded(str(met.limit.scope), met.limit.limit.amount, remaining, reset_at))


def _state_of(breached: RequestLimit | None) -> tuple[int, float]:
    """Return how many requests are left (usually none) and when the next one passes, in Unix seconds."""
    if breached is None:
        return 0, time.time()
    try:
        return breached.window.remaining, breached.window.reset_time
    except redis.RedisError:
        return 0, time.time() + breached.limit.get_expiry()
