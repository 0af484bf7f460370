"""Days that are over, as tests make them: players score on a day, and then it is closed, ranked and marked."""

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import text

from common.postgres import day_marks, period_closing
from tests.inbox import accept_at, drain_completely
from workers.state import WorkerState

# As a period is ranked: hidden rows too have a place in the one order.
_RANK = text("""
UPDATE standings s SET final_rank = ranked.rank FROM (
    SELECT user_id, row_number() OVER (ORDER BY (CASE WHEN b.ascending THEN 1 ELSE -1 END) * score, tie) AS rank
    FROM standings JOIN boards b ON b.id = board_id WHERE (board_id, period_id) = (:board, :period)
) ranked WHERE (s.board_id, s.period_id) = (:board, :period) AND s.user_id = ranked.user_id
""")
_RANKED = text("""
UPDATE periods SET ranked_at = now(), total = (
    SELECT count(*) FROM standings WHERE (board_id, period_id) = (:board, :period) AND NOT hidden
) WHERE (board_id, period_id) = (:board, :period)
""")


def ago(days: int) -> date:
    """The day (UTC) that was so many days ago."""
    return (datetime.now(UTC) - timedelta(days=days)).date()


def play(worker: WorkerState, day: date, *actions: tuple[str, str], hour: int = 12) -> None:
    """Let these (player, action) be counted on a day, in this order."""
    for user_id, action_id in actions:
        accept_at(worker, user_id, datetime.combine(day, time(hour), UTC), action_id)
    drain_completely(worker)


def end(worker: WorkerState, day: date, board_id: str = "main") -> None:
    """Close a day that is over, rank it, and mark it."""
    end_period(worker, day.isoformat(), board_id)


def end_period(worker: WorkerState, period_id: str, board_id: str = "main") -> None:
    """The same for any period."""
    with worker.engine.begin() as connection:
        assert period_closing.close(connection, board_id, period_id, datetime.now(UTC))
        for statement in (_RANK, _RANKED):
            connection.execute(statement, {"board": board_id, "period": period_id})
        day_marks.write(connection, board_id, period_id)
