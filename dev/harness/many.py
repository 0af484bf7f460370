"""Boards of many players with a point each, inserted by a few statements, so that ledger and standings agree."""

from datetime import UTC, datetime
from hashlib import md5
from uuid import UUID

from sqlalchemy import Engine, text

from common.contract.constants import ALL_TIME, DEFAULT_BOARD

KEY = "seeded"
"""The idempotency key of each player's only update."""

LONG_AGO = datetime(2020, 1, 1, 12, tzinfo=UTC)
PERIODS_OF_LONG_AGO = (ALL_TIME, "2020-01-01", "2020-W01", "2020-01")

_ID = "md5('many' || n)::uuid"
_USERS = text(f"""
INSERT INTO users (id, username, username_key, password_hash, role)
SELECT {_ID}, 'many-' || n, 'many-' || n, '-', 'player' FROM generate_series(1, :count) n
""")  # noqa: S608 - built from constants
_STANDINGS = text(f"""
INSERT INTO standings (board_id, period_id, user_id, score, tie, version, updated_at)
SELECT :board, period, {_ID}, 1, :tie + n, 1, :at
FROM generate_series(1, :count) n CROSS JOIN unnest(CAST(:periods AS text[])) period
""")  # noqa: S608 - built from constants
_LEDGER = text(f"""
INSERT INTO score_events (id, user_id, idempotency_key, action_id, action_version, points, score_after, occurred_at,
                          accepted_at, recorded_at)
SELECT :tie + n, {_ID}, :key, 'share', 1, 1, 1, :at, :at, :at FROM generate_series(1, :count) n
""")  # noqa: S608 - built from constants
_TAKE_NUMBERS = text("SELECT setval('score_event_ids', nextval('score_event_ids') + :count) - :count")


def id_of(number: int) -> str:
    """Return the user id of the player with this number, counted from 1."""
    return str(UUID(md5(f"many{number}".encode()).hexdigest()))  # noqa: S324 - as the statements make it, no secret


def add_many(engine: Engine, count: int) -> None:
    """Add `count` players who did one action long ago, so that of the open boards only `main all` is large."""
    values = {"count": count, "board": DEFAULT_BOARD, "periods": list(PERIODS_OF_LONG_AGO), "at": LONG_AGO, "key": KEY}
    with engine.begin() as connection:
        values["tie"] = connection.scalar(_TAKE_NUMBERS, values)
        for statement in (_USERS, _LEDGER, _STANDINGS):
            connection.execute(statement, values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE users, standings, score_events"))
