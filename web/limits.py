"""Rate limits, declared through Flask-Limiter and counted in Redis, or in memory while Redis is away.

| limit | counts | by | window |
|---|---|---|---|
| ip | every request below /api without a valid API key | client address | sliding |
| batch | requests with an API key | API key | sliding |
| updates | score updates | user | moving (exact) |
| login | logins | client address | sliding |
| login_failures | failed logins | account and client address | sliding |
"""

import ipaddress
import math
import time
from collections.abc import Callable
from typing import TypeVar

import limits
import redis
from flask import Flask, Response, request
from flask_limiter import ApplicationLimit, Limiter, RateLimitExceeded, RequestLimit

from common import keys, metrics
from common.errors import Allowance, ErrorCode, ScoreboardError
from common.redis import pool_of_limits
from common.strict_json import parse_object
from web import proxies
from web.access import identity
from web.api_key_access import api_key_id, has_api_key
from web.errors import refuse
from web.requests import read_body
from web.services import Services, services

View = TypeVar("View", bound=Callable[..., object])

_IPV6_SITE_BITS = 64
_FAILURES = "login_failures"
_MESSAGES = {
    "ip": (ErrorCode.RATE_LIMITED, "Too many requests from this address."),
    "updates": (ErrorCode.RATE_LIMITED, "Too many score updates."),
    "batch": (ErrorCode.RATE_LIMITED, "Too many requests with this API key."),
    "login": (ErrorCode.RATE_LIMITED, "Too many logins from this address."),
    _FAILURES: (ErrorCode.LOGIN_THROTTLED, "Too many failed logins of this account from this address."),
}
CODE_OF_LIMIT = {name: code for name, (code, _) in _MESSAGES.items()}
_NAMES = "limits"


def names_of(view: Callable[..., object]) -> tuple[str, ...]:
    """The limits of its own that a view declares."""
    names: tuple[str, ...] = getattr(view, _NAMES, ())
    return names


def _declared(name: str, limit: Callable[[View], View]) -> Callable[[View], View]:
    """The limit as a decorator that the view also tells of, for the document."""

    def decorate(view: View) -> View:
        limited = limit(view)
        setattr(limited, _NAMES, (*names_of(view), name))
        return limited

    return decorate


def client_address() -> str:
    """The client's address; of IPv6 the /64 that one site has."""
    address = proxies.peer()
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, _IPV6_SITE_BITS), strict=False).network_address)


def _account_and_address() -> str:
    """Failures are counted per account and address, so that nobody can lock another out."""
    try:
        username = str(parse_object(read_body()).get("username", "")).lower()
    except ScoreboardError:
        username = ""
    return f"{client_address()}:{username[:64]}"


class _Patient(Limiter):
    """Lets everybody go on in memory when the storage dies.

    Flask-Limiter does so with the first request that finds it dead, and fails the others that were waiting for it at
    that moment. They ask once more.
    """

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        try:
            super()._check_request_limit(callable_name, in_middleware)
        except redis.RedisError:
            self.context.seen_limits.clear()
            super()._check_request_limit(callable_name, in_middleware)


_per_address = _Patient(
    client_address,
    strategy="sliding-window-counter",
    application_limits=[
        ApplicationLimit(
            limit_provider=lambda: services().settings.ip_limit,
            key_function=client_address,
            scope="ip",
            exempt_when=lambda: not request.path.startswith("/api/") or has_api_key(),
        )
    ],
    in_memory_fallback_enabled=True,
    # Also an address that no view has is counted: Flask-Limiter skips a request without a name.
    request_identifier=lambda: request.endpoint or "unmatched",
)
_per_user = _Patient(client_address, strategy="moving-window", in_memory_fallback_enabled=True)

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
per_address_logins = _declared(
    "login",
    _per_address.shared_limit(lambda: services().settings.login_limit, scope="login", key_func=client_address),
)
per_account_failures = _declared(
    _FAILURES,
    _per_address.shared_limit(
        lambda: services().settings.login_failure_limit,
        scope=_FAILURES,
        key_func=_account_and_address,
        deduct_when=lambda _response: False,  # asked before, and counted by `judge_login`
    ),
)


def init_app(app: Flask, adapters: Services) -> None:
    metrics.begin_at_zero(limits=CODE_OF_LIMIT, codes=ErrorCode)
    app.config.update(
        RATELIMIT_STORAGE_URI="redis://",  # names the kind of storage; where it is, the pool knows
        RATELIMIT_STORAGE_OPTIONS={
            "key_prefix": keys.RATE_LIMIT_PREFIX,
            "connection_pool": pool_of_limits(adapters.settings.rate_limit_url),
        },
    )
    for limiter in (_per_address, _per_user):
        limiter._storage_dead = False  # of another application's storage; views are decorated before there is one
        limiter.init_app(app)
    app.register_error_handler(RateLimitExceeded, _refuse)
    if adapters.settings.trusted_proxies:
        app.wsgi_app = proxies.TrustedProxies(  # type: ignore[method-assign]  # Flask's documented place for middleware
            app.wsgi_app, adapters.settings.trusted_proxies
        )


def judge_login(*, is_right: bool) -> None:
    """Count a login that failed. Raises `login_throttled`.

    Those that were under way with it may have used the limit up meanwhile: then nobody learns whether it was right.
    """
    limiter = _per_address.limiter
    judge = limiter.test if is_right else limiter.hit
    place = (_account_and_address(), _FAILURES)
    for limit in limits.parse_many(services().settings.login_failure_limit):
        if not judge(limit, *place):
            window = limiter.get_window_stats(limit, *place)
            raise _exceeded(_FAILURES, limit.amount, window.remaining, window.reset_time)


def _refuse(exceeded: RateLimitExceeded) -> Response:
    breached = next(
        (limit for limiter in (_per_address, _per_user) for limit in limiter.current_limits if limit.breached), None
    )
    remaining, reset_at = _state_of(breached)
    return refuse(_exceeded(str(exceeded.limit.scope), exceeded.limit.limit.amount, remaining, reset_at))


def _exceeded(name: str, amount: int, remaining: int, reset_at: float) -> ScoreboardError:
    """The error for a limit; the next request passes at `reset_at`, in Unix seconds."""
    metrics.RATE_LIMITED.labels(name).inc()
    code, message = _MESSAGES[name]
    retry_after = max(1, math.ceil(reset_at - time.time()))
    return ScoreboardError(
        code, f"{message} Try again in {retry_after} s.", None, retry_after, Allowance(amount, max(0, remaining))
    )


def _state_of(breached: RequestLimit | None) -> tuple[int, float]:
    """How many requests are left (none, in general) and when the next one passes, in Unix seconds."""
    if breached is None:
        return 0, time.time()
    try:
        return breached.window.remaining, breached.window.reset_time
    except redis.RedisError:
        return 0, time.time() + breached.limit.get_expiry()
