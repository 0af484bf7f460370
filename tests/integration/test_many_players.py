"""Boards of 10,000 players are filled again, whoever fills them, and Redis is never held for long by one call."""

from typing import Any, cast

import pytest

from common import standings
from common.board import ROWS_PER_CALL, Board
from common.pages import FIRST
from common.redis import Client
from tests.many import add_many
from workers import housekeeping
from workers.state import WorkerState

PLAYERS = 10_000
LONGEST_CALL_MICROSECONDS = 20_000


@pytest.fixture
def many(worker: WorkerState) -> WorkerState:
    """A worker on a board of many players, whom Redis does not know yet; calls from here on are timed."""
    add_many(worker.engine, PLAYERS)
    worker.redis.flushdb()
    worker.redis.config_set("slowlog-log-slower-than", 1_000)
    worker.redis.slowlog_reset()
    housekeeping.mend(worker)
    return worker


def shown(worker: WorkerState) -> tuple[int, int]:
    """How many players Redis serves, and how many it ranks before a hundred more come."""
    page = Board(worker.redis).page("main", "all", 100, FIRST)
    assert len(page.rows.entries) == 100
    return page.rows.total, page.rows.entries[-1].rank


def longest_call(client: Client) -> int:
    """In microseconds, of those since the log was emptied."""
    calls = cast(list[dict[str, Any]], client.slowlog_get(128))
    return max((int(call["duration"]) for call in calls if b"EVALSHA" in call["command"]), default=0)


def fill(worker: WorkerState) -> None:
    """What a worker does for boards that it finds missing."""
    housekeeping.mend(worker)
    housekeeping.rebuild_boards(worker)


def test_a_page_of_standings_has_the_size_that_was_asked_for(many: WorkerState) -> None:
    with many.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        sizes = [len(page) for page in standings.stream(connection, "main", "all", ROWS_PER_CALL)]
    assert sizes == [ROWS_PER_CALL] * (PLAYERS // ROWS_PER_CALL)
