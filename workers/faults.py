"""Whose fault it is that a batch failed. Pure: it looks at exceptions and at nothing else.

Only what an entry itself can cause, and only while it is recorded, is the entry's fault. Everything else is the
service's: the entry is kept, however often that happens.
"""

from enum import Enum, auto

import redis
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from common.postgres.tables import standings
from common.redis_store.board import BoardNotServedError

_SCORE_RANGE = f"ck_{standings.name}_score_range"

_DATA = "22"
_CHECK_VIOLATED = "23514"
_LOCK_NOT_AVAILABLE = "55P03"

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_CLASSES_OF_SERVERS = ("08", "40", "53", "55", "57", "58")
"""Connections, conflicts between transactions, resources, states of objects, an operator's acts, the system."""

_ENDED_BY_THE_SERVER = ("25P03", "25P04")
"""The session was idle within a transaction, or the transaction lasted, for longer than is allowed."""

_CLASSES_OF_SCHEMAS = ("0A", "28", "3D", "3F", "42")
"""What is not supported, not authorized, or not there under this name; the last one is also a right that is missing."""

_SCHEMAS = ("23502", "23505", "25006")
"""A column that must be filled and is not, an id that was given before, a server that only reads."""


class Fault(Enum):
    """What is to be done about a failure."""

    ENTRY = auto()
    """An entry of the batch cannot be recorded: find it, and set it aside in the end."""
    OUT_OF_RANGE = auto()
    """A player's total would leave the exact integers: find the update and refuse it."""
    AWAY = auto()
    """A server is away, or two transactions were in each other's way: try again."""
    LOCKED = auto()
    """Somebody does not give a lock back: do what can be done without it."""
    UNFIT = auto()
    """Schema, rights or server do not fit this version: no entry at all can be recorded. Stop."""
    OURS = auto()
    """A mistake in the code: find the entry that brings it out, and keep it."""


class UnusableUpdateError(ValueError):
    """An update that cannot be recorded because of what it says. The text says why."""


def of(error: Exception) -> Fault:
    """Whose fault this is, wherever it happened. `of_recording` knows more."""
    if isinstance(error, UnusableUpdateError):
        return Fault.ENTRY
    if isinstance(error, redis.RedisError | BoardNotServedError | PoolTimeoutError | OSError):
        return Fault.AWAY
    if isinstance(error, DBAPIError):
        return _of_database(error)
    return Fault.OURS


def of_recording(error: Exception) -> Fault:
    """Whose fault it is that a batch could not be recorded."""
    if isinstance(error, DBAPIError) and not error.connection_invalidated:
        code = _code(error) or ""
        if code.startswith(_DATA):
            return Fault.ENTRY
        if code == _CHECK_VIOLATED and _SCORE_RANGE in str(error.orig):
            return Fault.OUT_OF_RANGE
    return of(error)


def describe(error: BaseException) -> str:
    """An error in one line, without the statement that it came from."""
    text = str(error.orig if isinstance(error, DBAPIError) else error)
    kind = type(error.orig if isinstance(error, DBAPIError) else error).__name__
    return f"{kind}: {text.strip().splitlines()[0]}" if text.strip() else kind


def _of_database(error: DBAPIError) -> Fault:
    code = _code(error)
    if error.connection_invalidated or code in _ENDED_BY_THE_SERVER:
        return Fault.AWAY
    if code is None:
        is_of_the_connection = isinstance(error, OperationalError | InterfaceError) or _is_unidentified(error)
        return Fault.AWAY if is_of_the_connection else Fault.OURS
    if code == _LOCK_NOT_AVAILABLE:
        return Fault.LOCKED
    if code.startswith(_CLASSES_OF_SCHEMAS) or code in _SCHEMAS:
        return Fault.UNFIT
    return Fault.AWAY if code.startswith(_CLASSES_OF_SERVERS) else Fault.OURS


def _is_unidentified(error: SQLAlchemyError) -> bool:
    """Whether psycopg2 itself could not tell what kind of error it is: an answer was cut off."""
    return type(error).__name__ == "DatabaseError"


def _code(error: DBAPIError) -> str | None:
    code = getattr(error.orig, "pgcode", None)
    return code if isinstance(code, str) else None
