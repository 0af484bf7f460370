"""The marks and the figures of days: written once, for who was active, and true of the instant that they name."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from common.contract.constants import ALL_TIME
from common.domain.boards import Board
from common.domain.scoring import Action
from common.domain.standing import Hidden
from common.postgres import day_marks, ledger, standings
from tests.inbox import accept, add_action, add_users, drain_completely
from tests.past_days import ago, end, play
from workers.state import WorkerState


def marks(worker: WorkerState) -> list[tuple[Any, ...]]:
    with worker.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT day, user_id::text, score, rank, total FROM day_marks ORDER BY day, rank")
        )
        return [tuple(row) for row in rows]


def stats(worker: WorkerState) -> dict[tuple[date, str], tuple[Any, ...]]:
    with worker.engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT day, board_id, active_players, new_players, updates, refused, points_in, points_out "
                "FROM daily_stats"
            )
        )
        return {(row[0], row[1]): tuple(row[2:]) for row in rows}


def test_who_was_active_on_a_day_has_their_place_of_all_time_marked_once(worker: WorkerState) -> None:
    ada, ben, cy = add_users(worker.engine, 3)
    play(worker, ago(3), (ada, "win-tournament"), (ben, "win-match"))
    end(worker, ago(3))
    play(worker, ago(1), (cy, "complete-level"), (ben, "win-tournament"))
    end(worker, ago(1))
    expected = [
        (ago(3), ada, 100, 1, 2),
        (ago(3), ben, 25, 2, 2),
        (ago(1), ben, 125, 1, 3),
        (ago(1), cy, 10, 3, 3),
    ]
    assert marks(worker) == expected
    play(worker, datetime.now(UTC).date(), (cy, "win-tournament"), hour=0)
    with worker.engine.begin() as connection:
        day_marks.write(connection, "main", ago(1).isoformat())
    assert marks(worker) == expected, "what is written stays"


def test_a_mark_names_the_instant_of_which_it_is(worker: WorkerState) -> None:
    (ada,) = add_users(worker.engine, 1)
    play(worker, ago(1), (ada, "share"))
    with worker.engine.connect() as connection:
        before = connection.scalar(text("SELECT clock_timestamp()"))
    end(worker, ago(1))
    with worker.engine.connect() as connection:
        at, after = connection.execute(text("SELECT at, clock_timestamp() FROM day_marks")).one()
    assert before
    assert before <= at <= after


def test_a_day_behind_which_another_one_is_over_has_no_marks_but_its_figures(worker: WorkerState) -> None:
    (ada,) = add_users(worker.engine, 1)
    play(worker, ago(3), (ada, "share"))
    play(worker, ago(2), (ada, "share"))
    play(worker, datetime.now(UTC).date(), (ada, "share"), hour=0)
    end(worker, ago(3))
    end(worker, ago(2))
    assert marks(worker) == [(ago(2), ada, 3, 1, 1)]
    assert {day for day, _ in stats(worker)} == {ago(3), ago(2)}


def test_who_is_shown_on_no_board_is_not_marked_and_ranks_close_up(worker: WorkerState) -> None:
    ada, ben = add_users(worker.engine, 2)
    play(worker, ago(1), (ada, "win-match"), (ben, "share"))
    with worker.engine.begin() as connection:
        ledger.lock_exclusive(connection)
        standings.hide(connection, ada, Hidden.SUSPENDED, is_hidden=True)
    end(worker, ago(1))
    assert marks(worker) == [(ago(1), ben, 1, 1, 1)]


@pytest.mark.parametrize("period", ["all", "2026-W48", "2026-11", "s-spring-2026", "2026-11-24"])
def test_what_is_no_closed_day_is_not_marked(worker: WorkerState, period: str) -> None:
    accept(worker, add_users(worker.engine, 1)[0])
    drain_completely(worker)
    with worker.engine.begin() as connection:
        day_marks.write(connection, "main", period)
    assert (marks(worker), stats(worker)) == ([], {})


def test_the_lowest_score_is_marked_first_where_it_leads(worker: WorkerState) -> None:
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE boards SET ascending = true"))
    ada, ben = add_users(worker.engine, 2)
    play(worker, ago(1), (ada, "win-match"), (ben, "share"))
    end(worker, ago(1))
    assert marks(worker) == [(ago(1), ben, 1, 1, 2), (ago(1), ada, 25, 2, 2)]


def test_the_figures_of_a_day_are_those_of_its_ledger(worker: WorkerState) -> None:
    add_action(worker, Action("fine", 1, -7, ("main",)))
    add_action(worker, Action("once-a-day", 1, 3, ("main",), daily_limit=1))
    ada, ben = add_users(worker.engine, 2)
    with worker.engine.begin() as connection:
        connection.execute(
            text("UPDATE users SET created_at = :at WHERE id = :ada"),
            {"at": datetime.combine(ago(2), datetime.min.time(), UTC), "ada": ada},
        )
    play(worker, ago(2), (ada, "win-match"), (ada, "fine"), (ben, "once-a-day"), (ben, "once-a-day"))
    end(worker, ago(2))
    play(worker, ago(1), (ben, "share"))
    end(worker, ago(1))
    assert stats(worker) == {
        (ago(2), "main"): (2, 1, 3, 1, Decimal(28), Decimal(7)),
        (ago(1), "main"): (1, 0, 1, 0, Decimal(1), Decimal(0)),
    }


def test_history_needs_days_and_all_time() -> None:
    assert day_marks.has_marks(Board("main"))
    assert not day_marks.has_marks(Board("weeks", periods=(ALL_TIME, "weekly")))
    assert not day_marks.has_marks(Board("days", periods=("daily",)))
