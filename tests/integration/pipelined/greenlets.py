"""Many greenlets that ask at once, and what became of each."""

from collections.abc import Callable
from typing import Any

import gevent
import gevent.util
import pytest
import redis

LONGEST_SECONDS = 30


def at_once(number: int, ask: Callable[[int], Any]) -> list[Any]:
    """What each of `number` greenlets got: its value, or the error of redis-py."""
    gevent.get_hub().loop.update_now()  # else the time that has passed outside of the loop counts towards the time-out
    greenlets = [gevent.spawn(outcome_of, ask, index) for index in range(number)]
    gevent.joinall(greenlets, timeout=LONGEST_SECONDS)
    if not all(greenlet.ready() for greenlet in greenlets):
        gevent.util.print_run_info()  # on standard error: where each of them stands
        pytest.fail("somebody waits for ever")
    return [greenlet.get() for greenlet in greenlets]


def outcome_of(ask: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
    try:
        return ask(*arguments)
    except redis.RedisError as error:
        return error
