"""The lines of a file of players to import: a header, and then comma-separated values in UTF-8."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from common.contract.errors import ScoreboardError
from common.contract.fields import WORDS_OF_EXTERNAL_ID, is_external_id
from common.domain import player_profiles
from common.domain.player_profiles import PlayerProfile

REQUIRED_COLUMN = "externalId"
COLUMNS = (REQUIRED_COLUMN, "displayName", "country", "username", "boards")

_BETWEEN_BOARDS = ";"
_UNCLOSED = "nothing closes a quotation mark here, so nothing that follows is read"


class HeaderError(Exception):
    """The file does not begin with a header of known columns; the message says what is wrong."""


class PlayerLine(NamedTuple):
    """A player to import. Without a `username` one is drawn. `number` is that of the line in the file, from 1.

    `boards` are those on which the player begins at 0.
    """

    number: int
    external_id: str
    username: str | None
    profile: PlayerProfile = PlayerProfile()
    boards: tuple[str, ...] = ()


class RefusedLine(NamedTuple):
    """A line that is not imported, and why."""

    number: int
    reason: str


def read(text: Iterable[str], username_form: tuple[str, str]) -> Iterator[PlayerLine | RefusedLine]:
    """Yield every line but empty ones. `username_form` is the pattern of a username, and what it says in words.

    Raises HeaderError.
    """
    rows = csv.reader(text, strict=True)
    header = _header(rows)
    known = _Known()
    while True:
        number = rows.line_num + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield RefusedLine(
                number, _UNCLOSED if "end of data" in str(error) else f"no comma-separated values: {error}"
            )
            continue
        if cells:
            yield _line(number, header, cells, username_form, known)


class _Known:
    """The lines that have each external id and each username, so that a second one is refused."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], int] = {}

    def refuse_again(self, column: str, value: str, number: int) -> str | None:
        """Return why a value is refused that stood in an earlier line; None for a new one."""
        first = self._lines.setdefault((column, value), number)
        return None if first == number else f"{column}: stands in line {first} too"


def _header(rows: Iterator[list[str]]) -> list[str]:
    try:
        header = next(rows, [])
    except csv.Error as error:
        raise HeaderError(f"the header is no line of comma-separated values: {error}") from None
    unknown = [column for column in header if column not in COLUMNS]
    if unknown:
        raise HeaderError(f"the header has the column {unknown[0]!r}; those there are: {', '.join(COLUMNS)}")
    if len(set(header)) < len(header):
        raise HeaderError("the header has a column twice")
    if REQUIRED_COLUMN not in header:
        raise HeaderError(f"the header has no column {REQUIRED_COLUMN}")
    return header


def _line(
    number: int, header: list[str], cells: list[str], username_form: tuple[str, str], known: _Known
) -> PlayerLine | RefusedLine:
    if len(cells) != len(header):
        return RefusedLine(number, f"has {len(cells)} values where the header has {len(header)}")
    values = dict(zip(header, cells, strict=True))
    problem = _problem(number, values, username_form, known)
    if problem:
        return RefusedLine(number, problem)
    try:
        profile = player_profiles.parse(values.get("displayName") or None, values.get("country") or None)
    except ScoreboardError as error:
        (field,) = (error.details or {})["fields"]
        return RefusedLine(number, f"{field['field']}: {field['message']}")
    boards = tuple(name.strip() for name in values.get("boards", "").split(_BETWEEN_BOARDS) if name.strip())
    return PlayerLine(number, values[REQUIRED_COLUMN], values.get("username") or None, profile, boards)


def _problem(number: int, values: Mapping[str, str], username_form: tuple[str, str], known: _Known) -> str | None:
    pattern, words = username_form
    external_id, username = values[REQUIRED_COLUMN], values.get("username", "")
    if not is_external_id(external_id):
        return f"{REQUIRED_COLUMN}: {WORDS_OF_EXTERNAL_ID}"
    if username and not re.fullmatch(pattern, username, re.ASCII):
        return f"username: {words}"
    again = known.refuse_again(REQUIRED_COLUMN, external_id, number)
    if again or not username:
        return again
    return known.refuse_again("username", username.lower(), number)
