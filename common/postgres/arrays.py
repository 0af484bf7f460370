"""PostgreSQL's array literals: a list of any length is one value of a statement, so that its text never changes. Pure.

psycopg2 would write `ARRAY['a', 'b']` instead, an expression that is quoted, parsed and evaluated value by value.
"""

from collections.abc import Iterable, Sequence


class UnstorableTextError(ValueError):
    """A text has the character NUL, which no PostgreSQL text can hold."""


def plain_array(values: Iterable[str]) -> str:
    """Return the literal for texts that need no quotes: numbers, UUIDs, ISO 8601 instants, `NULL` for none."""
    return "{" + ",".join(values) + "}"


def text_array(values: Sequence[str | None]) -> str:
    """Return the literal for any texts. Raises UnstorableTextError for one with NUL."""
    literal = _of_plain_texts(values) or plain_array(map(_quoted, values))
    if "\0" in literal:
        raise UnstorableTextError("a text has the character NUL")
    return literal


def _of_plain_texts(values: Sequence[str | None]) -> str | None:
    """Return the literal if no value needs an escape and none is missing, as most are; it takes a sixth of the time."""
    if not values or None in values:
        return None
    literal = '{"' + '","'.join(values) + '"}'  # type: ignore[arg-type]  # none is None
    return None if "\\" in literal or literal.count('"') != 2 * len(values) else literal


def _quoted(value: str | None) -> str:
    if value is None:
        return "NULL"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
