"""One read for all simultaneous callers, for values that are the same for everybody."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SharedReads(Generic[Key, Value]):
    """Values by key, each made by the first caller and kept for `lifetime_seconds`; the other callers wait for it.

    Values that are too old are removed when another is made. A lock is kept for each key, so keys must be few. An error
    while a value is made is raised only for its maker.
    """

    def __init__(self, lifetime_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lifetime_seconds = lifetime_seconds
        self._clock = clock
        self._locks: defaultdict[Key, threading.Lock] = defaultdict(threading.Lock)
        self._made: dict[Key, tuple[float, Value]] = {}

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """Return the value of this key; `make` makes it if there is none that is young enough."""
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
