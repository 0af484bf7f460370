"""Limits that no decorator can check, because there is no view yet, or because the outcome decides what counts.

They are counted where Flask-Limiter counts, and in memory for a moment after Redis has failed.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

import redis
from flask import current_app
from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import RateLimiter, SlidingWindowCounterRateLimiter

from common.contract.errors import SENTENCES, Allowance, ErrorCode, ScoreboardError
from common.core import metrics

Answer = TypeVar("Answer")

MESSAGES = {
    "ip": (ErrorCode.RATE_LIMITED, SENTENCES[ErrorCode.RATE_LIMITED]),
    "admin": (ErrorCode.RATE_LIMITED, "Too many requests of this admin."),
    "updates": (ErrorCode.RATE_LIMITED, "Too many score updates."),
    "batch": (ErrorCode.RATE_LIMITED, "Too many requests with this API key."),
    "batch_updates": (ErrorCode.RATE_LIMITED, "Too many score updates with this API key."),
    "api_key_failures": (ErrorCode.RATE_LIMITED, "Too many bad signatures of this API key from this address."),
    "register": (ErrorCode.RATE_LIMITED, "Too many new accounts from this address."),
    "exports": (ErrorCode.RATE_LIMITED, "Too many copies of one's data."),
    "feeds": (ErrorCode.RATE_LIMITED, "Too many feeds were read from this address."),
    "handshakes": (ErrorCode.RATE_LIMITED, "Too many live connections were begun from this address."),
    "login": (ErrorCode.RATE_LIMITED, "Too many logins from this address."),
    "login_failures": (ErrorCode.LOGIN_THROTTLED, SENTENCES[ErrorCode.LOGIN_THROTTLED]),
    "network_failures": (ErrorCode.LOGIN_THROTTLED, "Too many failed logins from this network."),
    "account_failures": (ErrorCode.LOGIN_THROTTLED, "Too many failed logins of this account."),
}
CODE_OF_LIMIT = {name: code for name, (code, _) in MESSAGES.items()}

_REDIS_IS_ASKED_AGAIN_AFTER_SECONDS = 5.0


@dataclass(frozen=True)
class Budget:
    """A limit such as `10/minute` for one `place`, such as an address. Larger places have `times` as much."""

    name: str
    limit: str
    place: str
    times: int = 1

    def items(self) -> list[RateLimitItem]:
        """Return the limits as values of the library `limits`."""
        return [type(item)(item.amount * self.times, item.multiples) for item in parse_many(self.limit)]


class Budgets:
    """Counts budgets."""

    def __init__(self, shared: Callable[[], RateLimiter]) -> None:
        self._shared = shared
        self._in_memory = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._memory_until = 0.0

    def is_left(self, budget: Budget) -> bool:
        """Return whether any of the budget is left."""
        return all(self._has(budget, item) for item in budget.items())

    def refuse_spent(self, *budgets: Budget) -> None:
        """Raise the error of the first budget of which nothing is left."""
        for budget in budgets:
            for item in budget.items():
                if not self._has(budget, item):
                    raise self._spent(budget, item)

    def spend(self, *budgets: Budget, cost: int = 1) -> None:
        """Take `cost` from each budget that has so much left. Raises the error of the first that has not."""
        short = [self._spent(*each) for budget in budgets for each in self._take(budget, cost)]
        if short:
            raise short[0]

    def note(self, *budgets: Budget) -> None:
        """Take one from each budget that has one left."""
        for budget in budgets:
            self._take(budget, 1)

    def _has(self, budget: Budget, item: RateLimitItem) -> bool:
        return self._ask(lambda limiter: limiter.test(item, budget.place, budget.name))

    def _take(self, budget: Budget, cost: int) -> list[tuple[Budget, RateLimitItem]]:
        """Take `cost` from each limit, and return those that did not have so much left."""
        return [(budget, item) for item in budget.items() if not self._hit(budget, item, cost)]

    def _hit(self, budget: Budget, item: RateLimitItem, cost: int) -> bool:
        return self._ask(lambda limiter: limiter.hit(item, budget.place, budget.name, cost=cost))

    def _spent(self, budget: Budget, item: RateLimitItem) -> ScoreboardError:
        window = self._ask(lambda limiter: limiter.get_window_stats(item, budget.place, budget.name))
        return exceeded(budget.name, item.amount, window.remaining, window.reset_time)

    def _ask(self, question: Callable[[RateLimiter], Answer]) -> Answer:
        if time.monotonic() >= self._memory_until:
            try:
                return question(self._shared())
            except redis.RedisError:
                self._memory_until = time.monotonic() + _REDIS_IS_ASKED_AGAIN_AFTER_SECONDS
        return question(self._in_memory)


def budgets() -> Budgets:
    """Return the budgets of the application that handles this request."""
    return cast(Budgets, current_app.extensions["budgets"])


def exceeded(name: str, amount: int, remaining: int, reset_at: float) -> ScoreboardError:
    """Return the error for a limit; the next request passes at `reset_at`, in Unix seconds."""
    metrics.RATE_LIMITED.labels(name).inc()
    code, message = MESSAGES[name]
    retry_after = max(1, math.ceil(reset_at - time.time()))
    return ScoreboardError(
        code,
        f"{message} Try again in {retry_after} s.",
        retry_after=retry_after,
        allowance=Allowance(amount, max(0, remaining)),
    )
