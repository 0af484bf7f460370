"""Rows of any number, read page by page: few are in memory, and no transaction is open while somebody reads them."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from sqlalchemy import Connection, Engine

Row = TypeVar("Row")


def each(engine: Engine, page: Callable[[Connection, Row | None], list[Row]]) -> Iterator[Row]:
    """Yield the rows of all pages. `page` is given the last row of the page before, or None for the first page."""
    last: Row | None = None
    while True:
        with engine.connect() as connection:
            rows = page(connection, last)
        if not rows:
            return
        yield from rows
        last = rows[-1]
