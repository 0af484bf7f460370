"""The check whether the running service is ready, by requests to `/readyz`."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable

ANSWERS_WITHIN_SECONDS = 1.0
ASK_EVERY_SECONDS = 0.2
TELL_EVERY_SECONDS = 5.0


class Watch:
    """Asks `/readyz` now and then, and reports what is missing when it takes long."""

    def __init__(self, base: str, tell: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._base = base
        self._tell = tell
        self._clock = clock
        self._ask_at = clock()
        self._tell_at = clock() + TELL_EVERY_SECONDS

    def is_ready(self) -> bool:
        """Return whether the service is ready. It sends a request only every `ASK_EVERY_SECONDS`."""
        if self._clock() < self._ask_at:
            return False
        missing = what_is_missing(self._base)
        now = self._clock()
        self._ask_at = now + ASK_EVERY_SECONDS
        if missing and now >= self._tell_at:
            self._tell_at = now + TELL_EVERY_SECONDS
            self._tell(missing)
        return not missing


def address(host: str, port: int) -> str:
    """Return the URL at which this machine reaches a program that listens on this address."""
    reachable = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def address_for_players(host: str, port: int) -> str:
    """Return the URL for demo players: over IPv4 where that works too, because there each has an address of its own."""
    over_ipv4 = address("127.0.0.1", port)
    return over_ipv4 if host == "::" and not what_is_missing(over_ipv4) else address(host, port)


def what_is_missing(base: str) -> str:
    """Return an empty text if the service is ready, otherwise the parts that are missing, or that nothing answers."""
    try:
        with urllib.request.urlopen(f"{base}/readyz", timeout=ANSWERS_WITHIN_SECONDS):  # noqa: S310 - our own address
            return ""
    except urllib.error.HTTPError as answer:
        return _reason(answer)
    except (OSError, ValueError):
        return "the web server does not answer yet"


def _reason(answer: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(answer)["error"]["message"])
    except (ValueError, LookupError, TypeError, OSError):
        return f"the web server answers {answer.code}"
