"""What the demo has done so far, in numbers that one line can tell."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from scoreboard.demo.connection import Answer

_APPLIED, _ACCEPTED = 200, 202


class Tally:
    """Counts what all players do; each runs in a thread of its own."""

    def __init__(self, players: int) -> None:
        self._lock = Lock()
        self._players = players
        self._present = self._waiting = self.moves = self.points = self._accepted = self._refused = 0

    def arrived(self) -> None:
        with self._lock:
            self._present += 1

    def answered(self, answer: Answer) -> None:
        """The final answer to one move."""
        with self._lock:
            if answer.status == _APPLIED:
                self.moves += 1
                self.points += int(answer.body["update"]["points"])
            elif answer.status == _ACCEPTED:
                self._accepted += 1
            else:
                self._refused += 1

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around a wait that the server or its absence imposes."""
        with self._lock:
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    def line(self) -> str:
        """All of it; what is zero and would worry nobody is left out."""
        with self._lock:
            told = [f"{self._present} of {self._players} players are here", f"{self.moves} moves, {self.points} points"]
            rare = {
                "accepted, not applied yet when answered": self._accepted,
                "refused": self._refused,
                "waiting for the server": self._waiting,
            }
        return "; ".join([*told, *(f"{count} {what}" for what, count in rare.items() if count)])
