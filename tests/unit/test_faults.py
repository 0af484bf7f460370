"""Whose fault a failure is: only what an entry itself can cause, while it is recorded, is the entry's."""

import pytest
import redis
from sqlalchemy import exc

from common.redis_store.board import BoardNotServedError
from workers import faults
from workers.faults import Fault, UnusableUpdateError

SCORE_RANGE = 'violates check constraint "ck_standings_score_range"'


class CauseError(Exception):
    """What psycopg2 raises, as far as it is looked at."""

    def __init__(self, pgcode: str | None, text: str = "") -> None:
        super().__init__(text)
        self.pgcode = pgcode


def database_error(kind: type[exc.DBAPIError], pgcode: str | None, text: str = "") -> exc.DBAPIError:
    return kind("SELECT", None, CauseError(pgcode, text))


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (database_error(exc.ProgrammingError, "42703", "a column that is not there"), Fault.UNFIT),
        (database_error(exc.ProgrammingError, "42P01", "a table that is not there"), Fault.UNFIT),
        (database_error(exc.ProgrammingError, "42501", "a right that is missing"), Fault.UNFIT),
        (database_error(exc.IntegrityError, "23502", "a column that must be filled"), Fault.UNFIT),
        (database_error(exc.InternalError, "25006", "a server that only reads"), Fault.UNFIT),
        (database_error(exc.OperationalError, "55P03", "a lock"), Fault.LOCKED),
        (database_error(exc.OperationalError, "40P01", "a deadlock"), Fault.AWAY),
        (database_error(exc.OperationalError, "53100", "a disk that is full"), Fault.AWAY),
        (database_error(exc.OperationalError, "57014", "a statement that took too long"), Fault.AWAY),
        (database_error(exc.InternalError, "25P03", "idle in a transaction"), Fault.AWAY),
        (database_error(exc.OperationalError, None, "the server closed the connection"), Fault.AWAY),
        (exc.TimeoutError("no connection is free"), Fault.AWAY),
        (redis.ConnectionError("refused"), Fault.AWAY),
        (BoardNotServedError("main"), Fault.AWAY),
        (database_error(exc.IntegrityError, "23514", "another check"), Fault.OURS),
        (database_error(exc.ProgrammingError, None, "can't adapt type"), Fault.OURS),
        (KeyError("userId"), Fault.OURS),
        (ValueError("of any kind"), Fault.OURS),
        (UnusableUpdateError("occurred_at"), Fault.ENTRY),
    ],
    ids=str,
)
def test_no_failure_is_booked_on_an_entry_that_did_not_cause_it(error: Exception, fault: Fault) -> None:
    assert faults.of(error) is fault
    assert faults.of_recording(error) is fault


def test_bad_data_is_the_entrys_fault_only_while_it_is_recorded() -> None:
    error = database_error(exc.DataError, "22P05", "a character that cannot be stored")
    assert faults.of_recording(error) is Fault.ENTRY
    assert faults.of(error) is Fault.OURS


def test_a_total_that_would_be_too_great_is_told_by_the_constraint() -> None:
    assert faults.of_recording(database_error(exc.IntegrityError, "23514", SCORE_RANGE)) is Fault.OUT_OF_RANGE
    assert faults.of(database_error(exc.IntegrityError, "23514", SCORE_RANGE)) is Fault.OURS


def test_an_error_is_told_in_one_line() -> None:
    error = database_error(exc.ProgrammingError, "42703", 'column "score" does not exist\nLINE 1: SELECT')
    assert faults.describe(error) == 'CauseError: column "score" does not exist'
