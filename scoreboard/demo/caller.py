"""Asking until there is a final answer, or until the demo is stopped."""

from collections.abc import Callable
from random import Random
from threading import Event
from typing import NamedTuple, Protocol

from scoreboard.demo.connection import Answer, NoAnswerError
from scoreboard.demo.patience import pause_before_retry
from scoreboard.demo.tally import Tally


class Request(NamedTuple):
    """A POST that may be sent more than once."""

    path: str
    body: dict[str, str]
    token: str = ""


class Poster(Protocol):
    """What carries a request to the server."""

    def post(self, path: str, body: dict[str, str], token: str = "") -> Answer:
        """Raises NoAnswerError."""


class StoppedError(Exception):
    """The demo is over."""


class Caller:
    """One player's line to the API: patient with a server that is away, and quick to hang up."""

    def __init__(self, connection: Poster, random: Random, stop: Event, tally: Tally) -> None:
        self._connection = connection
        self._random = random
        self._stop = stop
        self._tally = tally

    def ask(self, make_request: Callable[[], Request]) -> Answer:
        """A final answer. The request is made anew for each attempt, because its timestamp and token age."""
        failures = 0
        while True:
            answer = self._attempt(make_request())
            seconds = pause_before_retry(answer, failures, self._random)
            if answer and seconds is None:
                return answer
            failures += 1
            with self._tally.waiting():
                self.rest(seconds or 0.0)

    def rest(self, seconds: float) -> None:
        """Wait. Raises StoppedError as soon as the demo is over."""
        if self._stop.wait(seconds):
            raise StoppedError

    def _attempt(self, request: Request) -> Answer | None:
        try:
            return self._connection.post(*request)
        except NoAnswerError:
            return None
