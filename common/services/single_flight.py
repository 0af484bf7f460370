"""One read for all who ask for the same at the same time."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass
class _Flight(Generic[Value]):
    """The last read of a key, while anybody waits for it. `began_at` is on the clock of the waiters."""

    waiting: int = 0
    began_at: float = float("-inf")
    value: Value | None = None
    error: Exception | None = None
    turn: Lock = field(default_factory=Lock)


class SingleFlight(Generic[Value]):
    """Reads by key. Whoever asks gets what was read since, by whomever, so that nobody sees less than they could know.

    However many ask at once, at most two reads follow: one that is under way already and came too early for the others,
    and one for all of these.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._flights: dict[Hashable, _Flight[Value]] = {}

    def get(self, key: Hashable, read: Callable[[], Value]) -> Value:
        """Return what `read` returns, called now by this caller or another one. Raises what it raised for either."""
        asked_at = self._clock()
        flight = self._flights.setdefault(key, _Flight())
        flight.waiting += 1
        try:
            with flight.turn:
                if flight.began_at <= asked_at:
                    self._read(flight, read)
                if flight.error is not None:
                    raise flight.error
                return flight.value  # type: ignore[return-value]  # there is a value where there is no error
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                self._flights.pop(key, None)

    def _read(self, flight: _Flight[Value], read: Callable[[], Value]) -> None:
        flight.began_at, flight.value, flight.error = self._clock(), None, None
        try:
            flight.value = read()
        except Exception as error:  # whatever it is, it is told to all who wait
            flight.error = error
        except BaseException:
            flight.began_at = float("-inf")  # the reader was killed: another one reads
            raise
