"""Tidying what has grown old: some rows in each transaction, so that no statement grows with how much has gathered."""

from collections.abc import Callable

from sqlalchemy import Connection, Engine

ROWS_AT_ONCE = 500


def prune(engine: Engine, delete: Callable[[Connection, int], int]) -> int:
    """Delete until nothing is left, and return the number of rows.

    `delete` deletes up to the number of rows that it is given, and returns how many there were. It may keep some of
    them, if it never meets them again.
    """
    deleted = 0
    while True:
        with engine.begin() as connection:
            count = delete(connection, ROWS_AT_ONCE)
        deleted += count
        if count < ROWS_AT_ONCE:
            return deleted
