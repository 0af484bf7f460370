"""A schema that does not fit for a while: a migration half-way, or the other version's."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text


@contextmanager
def renamed_column(engine: Engine, table: str = "standings", column: str = "score") -> Iterator[None]:
    """Give a column another name as long as the block lasts."""
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} RENAME COLUMN {column} TO renamed_meanwhile"))
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {table} RENAME COLUMN renamed_meanwhile TO {column}"))
