"""Statements that psycopg2 sends itself, on a connection of SQLAlchemy's, for what every batch waits for.

SQLAlchemy takes two thirds of what a short statement costs in Python: it makes a context and a result for each. Its
connections, its pool and its errors are used all the same.
"""

from collections.abc import Mapping
from typing import Any, cast

import psycopg2
import psycopg2.extensions
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


def send(connection: Connection, statement: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Send a statement, or several that are separated by semicolons, and return the rows of the last one.

    Raises what SQLAlchemy would. A connection that was cut off is invalidated: the next statement connects anew.
    """
    try:
        with cast(psycopg2.extensions.connection, connection.connection).cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
    except psycopg2.Error as error:
        raise _as_of_sqlalchemy(connection, error) from error


def _as_of_sqlalchemy(connection: Connection, error: psycopg2.Error) -> BaseException:
    """Return the error as SQLAlchemy would raise it, and invalidate the connection if it says that it is cut off."""
    of_sqlalchemy: Any = error
    is_cut_off = connection.dialect.is_disconnect(of_sqlalchemy, _driver_connection(connection), None)
    if is_cut_off and not connection.invalidated:
        connection.invalidate(error)
    found = DBAPIError.instance(
        statement=None,
        params=None,
        orig=error,
        dbapi_base_err=psycopg2.Error,
        hide_parameters=True,
        connection_invalidated=is_cut_off,
        dialect=connection.dialect,
    )
    return cast(BaseException, found)


def _driver_connection(connection: Connection) -> Any:  # noqa: ANN401 - the driver's
    """Return psycopg2's connection, or None where connecting has failed."""
    return None if connection.invalidated else connection.connection.dbapi_connection
