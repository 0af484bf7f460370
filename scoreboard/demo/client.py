"""One player's connection to the API: POST requests by the standard library, repeated until an answer is final."""

import http.client
import ipaddress
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import Event
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from scoreboard.demo.stats import Stats

_TIMEOUT_SECONDS = 10.0
_FIRST_ADDRESS = int(ipaddress.IPv4Address("127.1.0.1"))
_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 20.0
_TRANSIENT = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Answer:
    """A response of the API. `retry_after` is in seconds, 0 if there is no such header."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    retry_after: float = 0.0

    @property
    def error_code(self) -> str:
        """The stable code of an error; empty for a success."""
        error = self.body.get("error")
        return str(error["code"]) if isinstance(error, dict) and "code" in error else ""


class NoAnswerError(Exception):
    """No readable answer came, as when the server goes away: the request may or may not have had an effect."""


class StoppedError(Exception):
    """The demo is over."""


class Request(NamedTuple):
    """A POST that may be sent more than once."""

    path: str
    body: dict[str, str]
    token: str = ""


class Transport(Protocol):
    """Sends requests to the server."""

    def post(self, path: str, body: dict[str, str], token: str = "") -> Answer:
        """POST a JSON body. Raises NoAnswerError."""


class Connection:
    """The server of one player's requests, and the local address that they come from."""

    def __init__(self, url: str, source: str | None = None) -> None:
        parts = urlsplit(url)
        self._host = parts.netloc
        self._base = parts.path.rstrip("/")
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._source = (source, 0) if source else None

    def post(self, path: str, body: dict[str, str], token: str = "") -> Answer:
        """POST a JSON body. Raises NoAnswerError."""
        headers = {"Content-Type": "application/json", "User-Agent": "scoreboard-demo"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection = self._kind(self._host, timeout=_TIMEOUT_SECONDS, source_address=self._source)
        try:
            connection.request("POST", self._base + path, json.dumps(body), headers)
            return _read(connection.getresponse())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoAnswerError(str(error)) from error
        finally:
            connection.close()


class Client:
    """Repeats a request until its answer is final, and gives up at once when the demo is stopped."""

    def __init__(self, transport: Transport, random: Random, stop: Event, stats: Stats) -> None:
        self._transport = transport
        self._random = random
        self._stop = stop
        self._stats = stats

    def ask(self, make_request: Callable[[], Request]) -> Answer:
        """Return a final answer. The request is made anew for each attempt, because its timestamp and token age."""
        failures = 0
        while True:
            answer = self._attempt(make_request())
            seconds = backoff(answer, failures, self._random)
            if answer and seconds is None:
                return answer
            failures += 1
            with self._stats.waiting():
                self.rest(seconds or 0.0)

    def rest(self, seconds: float) -> None:
        """Wait. Raises StoppedError as soon as the demo is over."""
        if self._stop.wait(seconds):
            raise StoppedError

    def _attempt(self, request: Request) -> Answer | None:
        try:
            return self._transport.post(*request)
        except NoAnswerError:
            return None


def backoff(answer: Answer | None, failures: int, random: Random) -> float | None:
    """Return the seconds to wait before the next attempt, or None if the answer is final. Pure.

    No answer at all is ambiguous, so it is asked for again. The wait doubles with each failure, is never shorter than
    the server's Retry-After, and is spread at random so that those who failed together do not come back together.
    """
    if answer and answer.status not in _TRANSIENT:
        return None
    delay = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2.0 ** min(failures, 10)) * random.uniform(0.5, 1.0)
    asked = answer.retry_after if answer else 0.0
    return asked + delay if asked else delay


def source_of(number: int, url: str) -> str | None:
    """Return a loopback address of the player's own, so that the limits take each for a client of its own, as it is.

    None where the server is not reached over IPv4 loopback: there all players share this machine's address.
    """
    host = urlsplit(url).hostname or ""
    is_loopback = host == "localhost" or host.startswith("127.")
    return str(ipaddress.IPv4Address(_FIRST_ADDRESS + number)) if is_loopback else None


def _read(response: http.client.HTTPResponse) -> Answer:
    """Read a response. Raises ValueError for broken JSON. A proxy's page counts as an empty body."""
    text = response.read()
    retry_after = response.headers.get("Retry-After", "")
    seconds = float(retry_after) if retry_after.isdigit() else 0.0
    if "json" not in response.headers.get("Content-Type", ""):
        return Answer(response.status, {}, seconds)
    body = json.loads(text)
    return Answer(response.status, body if isinstance(body, dict) else {}, seconds)
