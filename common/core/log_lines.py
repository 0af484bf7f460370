"""How a log line looks: one JSON object, or a readable line for people.

Whatever a field holds, and whatever a library says, is made harmless here: no text of a client's can forge a line, move
a terminal's cursor or turn the reading order.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from common.core.printable import escaped, escaped_lines

Render = Callable[[EventDict], bytes]

_OF_SEVERAL_LINES = ("exception", "stack")
_MARGIN = "    "
"""Before each line of a traceback in the readable format, so that none looks like a line of its own."""

_AS_REPR = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
_MICROSECONDS = 1_000_000


class Stamp:
    """The time of a line in ISO 8601, UTC, with microseconds. The part down to the second is composed once a second."""

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._composed = (-1, "")

    def now(self) -> str:
        seconds, microseconds = divmod(self._clock() // 1000, _MICROSECONDS)
        second, text = self._composed
        if second != seconds:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
            self._composed = (seconds, text)
        return f"{text}.{microseconds:06d}Z"


def as_json(event: EventDict) -> bytes:
    """Return an event as one JSON object and a line feed.

    A line of printable ASCII without a backslash holds nothing that needs an escape, so most lines are encoded once.
    """
    try:
        line = orjson.dumps(event, _plain, _AS_REPR)
    except TypeError:  # a key that is no text, or an integer of more than 64 bits
        return _as_escaped_json(event)
    if line.isascii() and b"\\" not in line and b"\x7f" not in line:
        return line + b"\n"
    return _as_escaped_json(event)


def as_text(*, colours: bool) -> Render:
    """Return a function that renders an event as a readable line and a line feed."""
    renderer = _console(colours=colours)

    def render(event: EventDict) -> bytes:
        return f"{renderer(None, '', harmless(event, _MARGIN))}\n".encode()

    return render


def readable(*, is_terminal: bool) -> list[Processor]:
    """Return the processors that render a readable line."""
    return [structlog.processors.format_exc_info, _harmless_of_people, _console(colours=is_terminal)]


def _console(*, colours: bool) -> structlog.dev.ConsoleRenderer:
    # Not the default's traceback: it shows the values of variables, and so passwords and keys.
    return structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)


def harmless(event: Mapping[str, object], margin: str = "") -> EventDict:
    """Return the event with every character escaped that could control a terminal or forge a line."""
    return {escaped(name): _field(name, value, margin) for name, value in event.items()}


def _harmless_of_people(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return harmless(event, _MARGIN)


def _as_escaped_json(event: EventDict) -> bytes:
    fields = harmless(event)
    try:
        return orjson.dumps(fields) + b"\n"
    except TypeError:
        return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def _field(name: str, value: object, margin: str) -> object:
    if name in _OF_SEVERAL_LINES and isinstance(value, str):
        return escaped_lines(value, margin)
    return _harmless(value)


def _harmless(value: object) -> object:
    """Return text escaped, numbers unchanged, containers with harmless items, anything else as its escaped `repr`."""
    if isinstance(value, str):
        return escaped(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return {escaped(str(key)): _harmless(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_harmless(part) for part in value]
    return escaped(repr(value))


def _plain(value: Any) -> object:  # noqa: ANN401 - anything that orjson does not know
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    return repr(value)
