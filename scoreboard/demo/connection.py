"""Requests to the API from one address, with the standard library alone."""

import http.client
import ipaddress
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 10.0
_LOOPBACK_OF_PLAYERS = int(ipaddress.IPv4Address("127.1.0.1"))


@dataclass(frozen=True)
class Answer:
    """What the API said. `retry_after` is in seconds, 0 if it did not say."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    retry_after: float = 0.0

    @property
    def error_code(self) -> str:
        """The stable code of an error; empty for a success."""
        error = self.body.get("error")
        return str(error["code"]) if isinstance(error, dict) and "code" in error else ""


class NoAnswerError(Exception):
    """No answer that can be read, as when the server goes away: what was asked may or may not have been done."""


class Connection:
    """Where one player's requests go, and the address that they come from."""

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


def source_of(number: int, url: str) -> str | None:
    """A loopback address for each player, so that the limits take each for a client of its own, as they are.

    None where the server is not reached over IPv4 loopback: there all of them share this machine's address.
    """
    host = urlsplit(url).hostname or ""
    is_loopback = host == "localhost" or host.startswith("127.")
    return str(ipaddress.IPv4Address(_LOOPBACK_OF_PLAYERS + number)) if is_loopback else None


def _read(response: http.client.HTTPResponse) -> Answer:
    """Raises ValueError for broken JSON. A page that a proxy shows instead counts as an empty body."""
    text = response.read()
    retry_after = response.headers.get("Retry-After", "")
    seconds = float(retry_after) if retry_after.isdigit() else 0.0
    if "json" not in response.headers.get("Content-Type", ""):
        return Answer(response.status, {}, seconds)
    body = json.loads(text)
    return Answer(response.status, body if isinstance(body, dict) else {}, seconds)
