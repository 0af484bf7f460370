"""Days of long ago with made-up final tables, ranked as the chore does it, and archived without the command line."""

import random
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Engine, text

from common.domain.standing import BoardId, Hidden
from common.postgres import archiving
from workers import ranking
from workers.state import WorkerState

DAY = datetime(2026, 1, 5, tzinfo=UTC)
LATER = DAY + timedelta(days=60)

_BOARD = text("""
INSERT INTO boards (id, rule, ascending, second, ties) VALUES (:id, :rule, :ascending, CAST(:second AS jsonb), :ties)
""")
_PERIOD = text("""
INSERT INTO periods (board_id, period_id, starts_at, ends_at, closed_at, last_event_id)
VALUES (:board, :period, CAST(:at AS timestamptz), :at + interval '1 day', :at + interval '25 hours', 0)
""")
_STANDING = text("""
INSERT INTO standings (board_id, period_id, user_id, score, second, tie, version, updated_at, decided_at, hidden,
                       hidden_for)
VALUES (:board, :period, :user, :score, :second, :tie, :version, :at, :decided, :reasons <> 0, :reasons)
""")


class Kind(NamedTuple):
    """A kind of board, by what decides its order."""

    rule: str
    ascending: bool
    second: str | None
    ties: str


KINDS = (
    Kind("sum", False, None, "ordinal"),
    Kind("lowest", True, None, "shared"),
    Kind("sum", True, '{"ascending": true, "label": "", "format": {"kind": "integer"}}', "shared"),
    Kind("highest", False, '{"ascending": false, "label": "", "format": {"kind": "integer"}}', "ordinal"),
)


def add_board(engine: Engine, board_id: str, kind: Kind) -> None:
    with engine.begin() as connection:
        connection.execute(_BOARD, {"id": board_id, **kind._asdict()})
        connection.execute(text("UPDATE catalogue_version SET version = version + 1"))


def random_rows(chance: random.Random, user_ids: Sequence[str], kind: Kind) -> list[dict[str, Any]]:
    """Rows of these players: few scores, so that many are level, and some hidden for reasons that stay."""
    ties = chance.sample(range(1, 100_000), len(user_ids))
    rows = []
    for user_id, tie in zip(user_ids, ties, strict=True):
        reasons = chance.choice([0] * 12 + [Hidden.UNLISTED, Hidden.DISQUALIFIED, Hidden.EMPTY])
        at = DAY + timedelta(microseconds=chance.randrange(86_400_000_000))
        numbers = {"score": chance.randrange(-3, 4), "second": chance.randrange(3) if kind.second else 0, "tie": tie}
        if reasons == Hidden.EMPTY:
            numbers = dict.fromkeys(numbers, 0)
        decided = chance.choice([None, at])
        version = chance.randrange(1, 50)
        rows.append({"user": user_id, **numbers, "version": version, "at": at, "decided": decided, "reasons": reasons})
    return rows


def add_day(engine: Engine, board: BoardId, rows: Sequence[dict[str, Any]]) -> None:
    """A day that is closed, with these rows."""
    named = {"board": board[0], "period": board[1]}
    with engine.begin() as connection:
        at = datetime.fromisoformat(board[1]).replace(tzinfo=UTC)
        connection.execute(_PERIOD, {**named, "at": at})
        if not rows:
            return
        suspended = set(connection.scalars(text("SELECT id::text FROM users WHERE suspended_at IS NOT NULL")))
        hidden = {user_id: int(Hidden.SUSPENDED) for user_id in suspended}
        values = [{**named, **row, "reasons": int(row["reasons"]) | hidden.get(row["user"], 0)} for row in rows]
        connection.execute(_STANDING, values)


def rank_all(worker: WorkerState) -> None:
    ranking.rank_closed(worker)


def archive_all(engine: Engine, board_id: str | None = None) -> list[BoardId]:
    """Archive every ranked day of a board, or of all; which these are."""
    with engine.connect() as connection:
        days = [day for day in archiving.days(connection, LATER, board_id) if day.is_ranked]
    for day in days:
        archiving.archive(engine, day, lambda _connection, _rows: None, lambda _: None)
        archiving.delete_standings(engine, day.board, lambda _: None)
    return [day.board for day in days]


def rows_of(engine: Engine, board: BoardId) -> list[dict[str, Any]]:
    """All standings of a (board, period), with every column but the board's id."""
    wanted = text("SELECT * FROM standings WHERE (board_id, period_id) = (:board, :period) ORDER BY user_id")
    with engine.connect() as connection:
        found = connection.execute(wanted, {"board": board[0], "period": board[1]}).mappings().all()
    return [{name: value for name, value in row.items() if name != "board_id"} for row in found]


def new_id(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
