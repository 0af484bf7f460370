"""The causes of a batch's failure, told from the exception alone. Pure.

A failure is an entry's fault only if the entry itself can cause it, and only while it is recorded. Every other failure
is the service's: the entry is kept, however often that happens.
"""

from enum import Enum, auto

import redis
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from common.postgres.arrays import UnstorableTextError
from common.postgres.misfits import is_misfit, sqlstate
from common.postgres.tables import standings
from common.redis_store.board import BoardNotServedError

_RANGES = (f"ck_{standings.name}_score_range", f"ck_{standings.name}_second_range")

_DATA = "22"
_CHECK_VIOLATED = "23514"
_LOCK_NOT_AVAILABLE = "55P03"

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_CLASSES_OF_SERVERS = ("08", "40", "53", "55", "57", "58")
"""SQLSTATE classes: connections, conflicts of transactions, resources, states of objects, operator's acts, system."""

_ENDED_BY_THE_SERVER = ("25P03", "25P04")
"""SQLSTATE codes: the transaction was idle for too long, or lasted too long."""

_USED_BEFORE = "23505"
"""The SQLSTATE code of an id that was used before: sequences that are behind, as after a restore of tables alone."""


class Fault(Enum):
    """The kinds of failure, each with what has to be done."""

    ENTRY = auto()
    """An entry of the batch cannot be recorded: find it, and quarantine it in the end."""
    OUT_OF_RANGE = auto()
    """A player's total would leave the exact integers: find the update and refuse it."""
    AWAY = auto()
    """A server is away, or two transactions were in each other's way: try again."""
    LOCKED = auto()
    """Another transaction keeps a lock: apply the entries that do not need it."""
    UNFIT = auto()
    """Schema, rights or server do not fit this version: no entry at all can be recorded. Stop."""
    OURS = auto()
    """A mistake in the code: find the entry that causes it, and keep it pending."""


class UnusableUpdateError(ValueError):
    """An update cannot be recorded because of what it says. The message says why."""


def of(error: Exception) -> Fault:
    """Return the kind of a failure that may have happened anywhere. Use `of_recording` while a batch is recorded."""
    if isinstance(error, UnusableUpdateError):
        return Fault.ENTRY
    if isinstance(error, redis.RedisError | BoardNotServedError | PoolTimeoutError | OSError):
        return Fault.AWAY
    if isinstance(error, DBAPIError):
        return _of_database(error)
    return Fault.OURS


def of_recording(error: Exception) -> Fault:
    """Return the kind of a failure to record a batch."""
    if isinstance(error, UnstorableTextError):
        return Fault.ENTRY
    if isinstance(error, DBAPIError) and not error.connection_invalidated:
        code = sqlstate(error) or ""
        if code.startswith(_DATA):
            return Fault.ENTRY
        if code == _CHECK_VIOLATED and any(name in str(error.orig) for name in _RANGES):
            return Fault.OUT_OF_RANGE
    return of(error)


def describe(error: BaseException) -> str:
    """Return an error in one line, without the SQL statement that it came from."""
    text = str(error.orig if isinstance(error, DBAPIError) else error)
    kind = type(error.orig if isinstance(error, DBAPIError) else error).__name__
    return f"{kind}: {text.strip().splitlines()[0]}" if text.strip() else kind


def _of_database(error: DBAPIError) -> Fault:
    code = sqlstate(error)
    if error.connection_invalidated or code in _ENDED_BY_THE_SERVER:
        return Fault.AWAY
    if code is None:
        is_of_the_connection = isinstance(error, OperationalError | InterfaceError) or _is_unidentified(error)
        return Fault.AWAY if is_of_the_connection else Fault.OURS
    if code == _LOCK_NOT_AVAILABLE:
        return Fault.LOCKED
    if is_misfit(error) or code == _USED_BEFORE:
        return Fault.UNFIT
    return Fault.AWAY if code.startswith(_CLASSES_OF_SERVERS) else Fault.OURS


def _is_unidentified(error: SQLAlchemyError) -> bool:
    """Return whether psycopg2 could not classify the error, because the server's reply was cut off."""
    return type(error).__name__ == "DatabaseError"
