"""How a program's JSON line is shown to somebody who watches a terminal; and which lines are worth showing.

Pure. Only what is shown is parsed, line by line; the rest is left out of a piece of output in one step.
"""

import re
from collections.abc import Mapping

import orjson

from common.core.printable import escaped, escaped_lines

_UNIMPORTANT_JSON = re.compile(rb'^\{[^\n]*"level": ?"(?:debug|info)"[^\n]*\n', re.MULTILINE)
"""A quotation mark within a value has a backslash before it, so no value can look like this."""

_OF_SEVERAL_LINES = ("exception", "stack")
_APART = frozenset({"timestamp", "level", "event", "logger", *_OF_SEVERAL_LINES})
_COLOURS = {"warning": 33, "error": 31, "critical": 31}
_MARGIN = "    "


def without_unimportant(piece: bytes) -> bytes:
    """Return whole lines of output without the JSON lines of level `info` and `debug`."""
    return _UNIMPORTANT_JSON.sub(b"", piece)


def line_of(line: str, *, colours: bool = False) -> str:
    """Return a JSON line as `SCOREBOARD_LOG_FORMAT=console` would have shown it; any other line as it is."""
    fields = _fields_of(line)
    if fields is None:
        return line
    level, logger = (_shown(fields.get(name, "")) for name in ("level", "logger"))
    severity = f"[{level:<9}]"
    if colours and level in _COLOURS:
        severity = f"\033[{_COLOURS[level]}m{severity}\033[0m"
    head = f"{_shown(fields.get('timestamp', ''))} {severity} {_shown(fields['event']):<30} [{logger}]"
    others = sorted(name for name in fields if name not in _APART)
    rest = [f"{escaped(name)}={_value(fields[name])}" for name in others]
    below = [escaped_lines(str(fields[name]), _MARGIN) for name in _OF_SEVERAL_LINES if name in fields]
    return "\n".join([" ".join([head, *rest]), *below])


def _fields_of(line: str) -> Mapping[str, object] | None:
    if not line.startswith("{"):
        return None
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return fields if "event" in fields else None


def _shown(value: object) -> str:
    return escaped(str(value))


def _value(value: object) -> str:
    """Return a value as text, and as its `repr` if it has a character that would hide where the next field begins."""
    text = str(value)
    has_gap = isinstance(value, str) and any(char in text for char in " \t=\r\n\"'")
    return escaped(repr(text) if has_gap else text)
