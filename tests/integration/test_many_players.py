"""Boards of 10,000 players are filled again, whoever fills them, and Redis is never held for long by one call."""

from typing import Any, cast

import pytest
from sqlalchemy import text

from common.domain.pagination import FIRST
from common.domain.standing import Moved
from common.postgres import standings
from common.redis_store.board import ROWS_PER_CALL, Board, Projected, script_values
from common.redis_store.client import Client
from common.redis_store.keys import BoardKeys
from common.services.suspensions import COMMAND_LINE, Decision, decide
from dev.harness.many import add_many
from dev.harness.waiting import wait_until
from tests.command_line import CommandLine
from tests.inbox import accept, add_users, drain_completely
from workers import maintenance
from workers.state import WorkerState

PLAYERS = 10_000
LONGEST_CALL_MS = 20
BOARD = BoardKeys("main", "all")


@pytest.fixture
def many(worker: WorkerState) -> WorkerState:
    """A worker on a board of many players that Redis serves; the time that scripts take is counted from here."""
    add_many(worker.engine, PLAYERS)
    assert worker.rebuilder.rebuild("main", "all")
    worker.redis.config_resetstat()
    return worker


def players_shown(worker: WorkerState) -> int:
    page = Board(worker.redis).page("main", "all", 100, FIRST)
    assert len(page.rows.entries) == 100
    return page.rows.total


def milliseconds_of_a_script(client: Client) -> float:
    """The mean: the longest call of all is also how long this machine was busy with something else (`make scale`)."""
    return float(client.info("commandstats")["cmdstat_evalsha"]["usec_per_call"]) / 1000


def lose_everything(worker: WorkerState) -> None:
    worker.redis.flushdb()


def fill_as_workers_do(worker: WorkerState) -> None:
    """The sweep leaves a board of this size to the task for large ones."""
    assert maintenance.rebuild_small_boards(worker)
    assert not worker.rebuilder.is_served("main", "all")
    maintenance.rebuild_boards(worker)


def test_a_page_of_standings_has_the_size_that_was_asked_for(many: WorkerState) -> None:
    with many.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        sizes = [len(page) for page in standings.stream(connection, "main", "all", ROWS_PER_CALL)]
    assert sizes == [ROWS_PER_CALL] * (PLAYERS // ROWS_PER_CALL)


def test_a_page_of_standings_is_read_by_its_index(many: WorkerState) -> None:
    """And not by sorting the whole board for each, which nobody notices until there are many."""
    values = {"board": "main", "period": "all", "after": "80000000-0000-0000-0000-000000000000", "limit": ROWS_PER_CALL}
    with many.engine.connect() as connection:
        plan = "\n".join(connection.scalars(text(f"EXPLAIN {standings._NEXT.text}"), values))
    assert "Index Cond" in plan
    assert "Sort" not in plan


def test_every_script_takes_more_than_lua_unpacks_at_once(many: WorkerState) -> None:
    """Though nobody sends so much at once."""
    with many.engine.connect() as connection:
        (rows,) = standings.stream(connection, "main", "all", PLAYERS + 1)
    newer = [row._replace(version=2, score=2, tiebreaker=row.tiebreaker + PLAYERS) for row in rows]
    hidden = [row._replace(version=3, hidden=True) for row in rows]
    keys = [BOARD.scores, BOARD.members, BOARD.meta, BOARD.rebuilding]

    def project(some: list[Any], wanted: int) -> list[Any]:
        return cast(list[Any], many.board._project(keys=keys, args=[1, wanted, *script_values(some)]))

    assert len(project(newer, 1)) == 2 + 2 * PLAYERS
    ids = [row.key.user_id for row in rows]
    reply = many.board._read_standings(keys=keys[:3], args=ids)
    assert len(reply[2]) == 2 * PLAYERS
    assert len(many.board._read_players(keys=keys[:3], args=["user:", ":details", *ids])) == 5 + 5 * PLAYERS
    page = many.board._read_page(keys=keys[:3], args=[PLAYERS, "user:", ":details", "first", 0, 0])
    assert len(page) == 9 + 4 * PLAYERS
    assert project(hidden, 0)[0] == "shown"
    assert many.redis.zcard(BOARD.scores) == 0
    assert project([row._replace(version=4) for row in rows], 0)[0] == "shown"
    assert many.redis.zcard(BOARD.scores) == PLAYERS


def test_states_of_many_players_come_in_the_order_they_were_asked_for(many: WorkerState) -> None:
    with many.engine.connect() as connection:
        (rows,) = standings.stream(connection, "main", "all", PLAYERS + 1)
    states = many.board.states({("main", "all"): [row.key.user_id for row in rows]})
    assert states["main", "all"] == [(row.score, row.tiebreaker, 0) for row in rows]


def test_a_board_that_was_lost_is_filled_again_by_the_workers(many: WorkerState) -> None:
    lose_everything(many)
    fill_as_workers_do(many)
    assert players_shown(many) == PLAYERS
    assert milliseconds_of_a_script(many.redis) < LONGEST_CALL_MS


def test_a_board_of_another_server_is_filled_again_by_the_workers(many: WorkerState) -> None:
    many.redis.hset(BOARD.meta, "run_id", "0" * 40)
    fill_as_workers_do(many)
    assert players_shown(many) == PLAYERS
    assert milliseconds_of_a_script(many.redis) < LONGEST_CALL_MS


def test_updates_are_applied_while_nobody_has_filled_the_board_yet(many: WorkerState) -> None:
    (ada,) = add_users(many.engine, 1)
    lose_everything(many)
    many.inbox.open()
    key = accept(many, ada, "win-match")
    drain_completely(many)
    receipt = many.inbox.receipt(ada, key)
    assert receipt
    assert receipt["status"] == "applied"
    assert (receipt["entry"]["score"], receipt["entry"]["rank"]) == (25, None)
    fill_as_workers_do(many)
    assert players_shown(many) == PLAYERS + 1
    assert Board(many.redis).page("main", "all", 1, FIRST).rows.entries[0].user_id == ada
    key = accept(many, ada, "win-match")
    drain_completely(many)
    receipt = many.inbox.receipt(ada, key)
    assert receipt
    assert receipt["status"] == "applied"
    assert receipt["entry"]["rank"] == 1


def test_the_commands_fill_it_again(many: WorkerState, command_line: CommandLine) -> None:
    lose_everything(many)
    done = command_line("rebuild", "--board", "main", "--period", "all")
    assert (done.returncode, done.stdout) == (0, f"rebuilt main all: {PLAYERS} players\n"), done.stderr
    assert players_shown(many) == PLAYERS
    many.redis.delete(BOARD.scores)
    found = command_line("verify", "--patience", "0")
    assert found.returncode == 1
    assert "main all: Redis does not serve this board" in found.stdout
    assert command_line("verify", "--patience", "0", "--repair").returncode == 0
    assert players_shown(many) == PLAYERS
    assert milliseconds_of_a_script(many.redis) < LONGEST_CALL_MS


def test_suspended_players_are_gathered_too_and_stay_off_the_board(many: WorkerState) -> None:
    with many.engine.connect() as connection:
        rows = next(standings.stream(connection, "main", "all", 3))
    with many.engine.begin() as connection:
        for row in rows:
            assert decide(connection, Decision(row.key.user_id, True, COMMAND_LINE, ""))
    lose_everything(many)
    fill_as_workers_do(many)
    assert players_shown(many) == PLAYERS - 3
    (late,) = many.board.project([rows], 1, [("main", "all")])
    assert isinstance(late, Projected)
    assert set(late.moves.values()) == {Moved(None, None)}
    assert players_shown(many) == PLAYERS - 3


def test_what_is_let_go_of_is_freed_in_the_background(many: WorkerState) -> None:
    many.redis.config_set("lazyfree-lazy-server-del", "no")
    many.redis.config_set("lazyfree-lazy-user-del", "no")
    try:
        freed = int(many.redis.info("memory")["lazyfreed_objects"])
        assert many.rebuilder.rebuild("main", "all")
        wait_until(lambda: int(many.redis.info("memory")["lazyfreed_objects"]) >= freed + 2)
    finally:
        many.redis.config_set("lazyfree-lazy-server-del", "yes")
        many.redis.config_set("lazyfree-lazy-user-del", "yes")
