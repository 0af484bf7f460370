"""Prepared statements: PostgreSQL parses and plans them once for each connection, and not once for each batch.

A statement is prepared together with its first execution, in the same round trip, and its name follows from its text,
so that two versions of the code never run each other's. A pooler that gives every transaction another server
connection (PgBouncer's transaction pooling) keeps what was prepared apart from who prepared it: a statement is then
missing or there already. From then on the connection sends plain text; the transaction has to be begun again.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import Connection, CursorResult
from sqlalchemy.exc import DBAPIError

log = structlog.get_logger(__name__)

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_MISSING, _THERE_ALREADY, _RESULT_CHANGED = "26000", "42P05", "0A000"
"""SQLSTATE codes. The last one comes when a migration has changed a table below a statement."""

_PREPARED, _SENDS_PLAIN_TEXT = "scoreboard_prepared", "scoreboard_plain_text"
"""The names under which a connection's `info` holds what was prepared, and that nothing is prepared any more."""


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
) -> CursorResult[Any]:
    """Run a statement, and `before` and `after` it other ones in the same round trip. Raises NotPreparedError.

    Where one of them fails, none behind it is run. With `after`, the result is that of the last one.
    """
    try:
        return connection.exec_driver_sql(_text(connection, statement, before) + after, dict(values))
    except DBAPIError as error:
        code = getattr(error.orig, "pgcode", None)
        if code not in (_MISSING, _THERE_ALREADY, _RESULT_CHANGED) or _SENDS_PLAIN_TEXT in connection.info:
            raise
        connection.info[_SENDS_PLAIN_TEXT] = True
        log.info("statements_not_prepared", code=code)
        raise NotPreparedError from error


def _text(connection: Connection, statement: Statement, before: str) -> str:
    if _SENDS_PLAIN_TEXT in connection.info:
        return before + statement.plain
    prepared: set[str] = connection.info.setdefault(_PREPARED, set())
    if statement.name in prepared:
        return before + statement.execute
    prepared.add(statement.name)
    return f"{statement.prepare}; {before}{statement.execute}"
