"""PostgreSQL's array literals: a list of any length is one value of a statement, so that its text never changes. Pure.

psycopg2 would write `ARRAY['a', 'b']` instead, an expression that is quoted, parsed and evaluated value by value.
"""

from collections.abc import Iterable


class UnstorableTextError(ValueError):
    """A text has the character NUL, which no PostgreSQL text can hold."""


def plain_array(values: Iterable[str]) -> str:
    """Return the literal for texts that need no quotes: numbers, UUIDs, ISO 8601 instants, `NULL` for none."""
    return "{" + ",".join(values) + "}"


def text_array(values: Iterable[str | None]) -> str:
    """Return the literal for any texts. Raises UnstorableTextError for one with NUL."""
    literal = plain_array("NULL" if value is None else f'"{_escaped(value)}"' for value in values)
    if "\0" in literal:
        raise UnstorableTextError("a text has the character NUL")
    return literal


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
