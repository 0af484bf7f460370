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

    Values that are too old are forgotten when another is made. Of each key a lock stays, so
    keys must be few. An error of the one who makes a value is that one's alone.
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
                self._forget_old()
            return value

    def _forget_old(self) -> None:
        """Let go of the values of keys that nobody asks for any more."""
        oldest = self._clock() - self._lifetime_seconds
        for key, (made_at, _) in tuple(self._made.items()):
            if made_at < oldest:
                self._made.pop(key, None)
