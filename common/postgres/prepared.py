"""Prepared statements: PostgreSQL parses and plans them once for each connection, and not once for each batch.

A statement is prepared together with its first execution, in the same round trip, and its name follows from its text,
so that two versions of the code never run each other's. A pooler that gives every transaction another server
connection (PgBouncer's transaction pooling) keeps what was prepared apart from who prepared it: a statement is then
missing or there already. From then on the connection sends plain text; the transaction has to be begun again.

If the first execution fails, it is unknown whether the statement was prepared before that: an error in a table that it
names, or in waiting for one, is PREPARE's, and one in the values is EXECUTE's. The server is asked before the next use.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from common.postgres import direct

log = structlog.get_logger(__name__)

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_MISSING, _THERE_ALREADY, _RESULT_CHANGED = "26000", "42P05", "0A000"
"""SQLSTATE codes. The last one comes when a migration has changed a table below a statement."""

_PREPARED, _UNKNOWN, _SENDS_PLAIN_TEXT = "scoreboard_prepared", "scoreboard_unknown", "scoreboard_plain_text"
"""The names under which a connection's `info` holds the statements that were prepared, those of which it is not known,
and that nothing is prepared any more."""

_IS_THERE = "SELECT EXISTS (SELECT FROM pg_prepared_statements WHERE name = %(name)s)"


class NotPreparedError(Exception):
    """A prepared statement cannot be used on this connection, which sends plain text from now on.

    The caller rolls back and starts again.
    """


class Statement:
    """A statement with parameters written as `%(name)s`, and the type of each. Its text has no other `%`."""

    def __init__(self, text: str, types: Mapping[str, str]) -> None:
        places = {name: f"${number}" for number, name in enumerate(types, start=1)}
        body = text % places
        self.name = f"scoreboard_{hashlib.sha256(body.encode()).hexdigest()[:16]}"
        self.execute = f"EXECUTE {self.name}({', '.join(f'%({name})s' for name in types)})"
        self.prepare = f"PREPARE {self.name}({', '.join(types.values())}) AS {body}"
        self.plain = text % {name: f"CAST(%({name})s AS {kind})" for name, kind in types.items()}


def run(
    connection: Connection, statement: Statement, values: Mapping[str, Any], *, before: str = "", after: str = ""
) -> list[tuple[Any, ...]]:
    """Run a statement, and `before` and `after` it other ones in the same round trip. Raises NotPreparedError.

    Where one of them fails, none behind it is run. Returns the rows of the last one.
    """
    if _SENDS_PLAIN_TEXT in connection.info:
        return direct.send(connection, before + statement.plain + after, values)
    try:
        return _run_prepared(connection, statement, values, before, after)
    except DBAPIError as error:
        code = getattr(error.orig, "pgcode", None)
        if code not in (_MISSING, _THERE_ALREADY, _RESULT_CHANGED):
            raise
        connection.info[_SENDS_PLAIN_TEXT] = True
        log.info("statements_not_prepared", code=code)
        raise NotPreparedError from error


def _run_prepared(
    connection: Connection, statement: Statement, values: Mapping[str, Any], before: str, after: str
) -> list[tuple[Any, ...]]:
    """Run a statement that is prepared, and prepare it if it is not."""
    prepared: set[str] = connection.info.setdefault(_PREPARED, set())
    unknown: set[str] = connection.info.setdefault(_UNKNOWN, set())
    if statement.name in unknown:
        ((is_there,),) = direct.send(connection, _IS_THERE, {"name": statement.name})
        if is_there:
            prepared.add(statement.name)
        unknown.remove(statement.name)
    if statement.name in prepared:
        return direct.send(connection, before + statement.execute + after, values)
    unknown.add(statement.name)
    rows = direct.send(connection, f"{statement.prepare}; {before}{statement.execute}{after}", values)
    unknown.remove(statement.name)
    prepared.add(statement.name)
    return rows
