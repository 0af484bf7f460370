"""One read for all who ask at the same time: what anybody may see is made at most once in a while."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SharedReads(Generic[Key, Value]):
    """Values by key, each made by whoever asks first and kept for `lifetime_seconds`; the others wait for it.

    Keys must be few: none is ever forgotten. An error of the one who makes a value is that one's alone.
    """

    def __init__(self, lifetime_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lifetime_seconds = lifetime_seconds
        self._clock = clock
        self._locks: defaultdict[Key, threading.Lock] = defaultdict(threading.Lock)
        self._made: dict[Key, tuple[float, Value]] = {}

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value of this key, made by `make` unless there is one that is young enough."""
        with self._locks[key]:
            made_at, value = self._made.get(key, (-float("inf"), None))
            if value is None or self._clock() - made_at >= self._lifetime_seconds:
                value = make()
                self._made[key] = (self._clock(), value)
            return value
