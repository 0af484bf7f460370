"""The numbers of what the demo has done so far, in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class Stats:
    """Counts what all players do. Each player runs in a thread of its own."""

    def __init__(self, players: int) -> None:
        self._lock = Lock()
        self._players = players
        self._present = self._waiting = self.moves = self.points = self._accepted = self._refused = 0

    def count_arrival(self) -> None:
        with self._lock:
            self._present += 1

    def count_applied(self, points: int) -> None:
        with self._lock:
            self.moves += 1
            self.points += points

    def count_accepted(self) -> None:
        """Count a move that was accepted and not applied yet when it was answered."""
        with self._lock:
            self._accepted += 1

    def count_refused(self) -> None:
        with self._lock:
            self._refused += 1

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count a player as waiting while the server, or its absence, makes it wait."""
        with self._lock:
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    def line(self) -> str:
        """Return all numbers in one line, without those that are usually zero while they are."""
        with self._lock:
            parts = [
                f"{self._present} of {self._players} players are here",
                f"{self.moves} moves, {self.points} points",
            ]
            rare = {
                "accepted, not applied yet when answered": self._accepted,
                "refused": self._refused,
                "waiting for the server": self._waiting,
            }
        return "; ".join([*parts, *(f"{count} {what}" for what, count in rare.items() if count)])
