"""A whole board as a file: CSV for spreadsheets, JSON, or one JSON object a line (NDJSON). Pure.

A name is any text that its player likes, and a spreadsheet takes a cell for a formula by its first character. So in CSV
alone a text that begins like one gets an apostrophe in front (OWASP, "CSV Injection"). Numbers stay numbers.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from io import StringIO
from typing import NamedTuple, cast

import orjson

from common.contract import board_responses
from common.domain.entries import Entry

COLUMNS = ("rank", "place", "userId", "username", "displayName", "country", "score", "second", "lastUpdated")
"""The columns of the CSV form. What an entry does not have is an empty cell."""

_TEXTS = frozenset({"userId", "username", "displayName", "country", "lastUpdated"})
_LIKE_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

Cell = str | int
Pages = Iterable[Sequence[Entry]]


class FileFormat(StrEnum):
    """The form of a file."""

    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"


MEDIA_TYPES = {
    FileFormat.CSV: "text/csv",
    FileFormat.JSON: "application/json",
    FileFormat.NDJSON: "application/x-ndjson",
}


class Label(NamedTuple):
    """What a file is of. `as_of` is the instant of its rows as it stands on the wire."""

    board_id: str
    period_id: str
    as_of: str


def name_of(label: Label, form: FileFormat) -> str:
    """Return a file name, of letters that every system takes."""
    return f"{label.board_id}-{label.period_id}.{form}"


def written(form: FileFormat, label: Label, pages: Pages) -> Iterator[bytes]:
    """Yield the file piece by piece: a beginning, each page of entries, and what ends it.

    The entries must have passed the gate (`common/domain/shown.py`).
    """
    if form is FileFormat.CSV:
        return _as_csv(pages)
    return _as_json(label, pages) if form is FileFormat.JSON else _as_lines(pages)


def _as_csv(pages: Pages) -> Iterator[bytes]:
    buffer = StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    yield _taken(buffer)
    for page in pages:
        writer.writerows(_cells(entry.to_wire()) for entry in page)
        yield _taken(buffer)


def _taken(buffer: StringIO) -> bytes:
    """Return what is in a buffer, and empty it."""
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def _cells(entry: board_responses.Entry) -> list[Cell]:
    told = cast(dict[str, Cell], entry)
    return [_harmless(str(told[name])) if name in _TEXTS and name in told else told.get(name, "") for name in COLUMNS]


def _harmless(text: str) -> str:
    """Return a text that a spreadsheet shows as it is."""
    return f"'{text}" if text.startswith(_LIKE_A_FORMULA) else text


def _as_json(label: Label, pages: Pages) -> Iterator[bytes]:
    """Yield one JSON object, with one entry a line; how many there were stands behind them."""
    head = orjson.dumps({"board": label.board_id, "period": label.period_id, "asOf": label.as_of})
    yield head[:-1] + b',"entries":['
    total = 0
    for page in pages:
        yield b"".join(b"%b\n%b" % (b"," if total + n else b"", _json(entry)) for n, entry in enumerate(page))
        total += len(page)
    yield b'\n],"total":%d}\n' % total


def _as_lines(pages: Pages) -> Iterator[bytes]:
    for page in pages:
        yield b"".join(_json(entry) + b"\n" for entry in page)


def _json(entry: Entry) -> bytes:
    return orjson.dumps(entry.to_wire())
