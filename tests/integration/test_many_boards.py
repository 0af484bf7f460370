"""Hundreds of boards of which few move: what is done regularly follows those that do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import redis
from flask.testing import FlaskClient
from sqlalchemy import event, text

from common.contract.catalogue import MOST_BOARDS_OF_AN_ACTION
from common.domain.boards import NOTICE
from common.domain.scoring import Action
from common.domain.shown import Gate
from common.domain.stand_ins import StandIns
from common.domain.standing import BoardId
from common.postgres import catalogue, tables
from common.redis_store.keys import BoardKeys
from common.redis_store.served_boards import IN_TURN, ServedBoards
from common.services.leaderboard import Leaderboard
from tests.inbox import accept, add_action, add_users, drain_completely
from workers import maintenance, snapshots, verifying
from workers.state import WorkerState

BOARDS, MOVING = 150, 3


@pytest.fixture
def boards(worker: WorkerState) -> list[BoardId]:
    """Many boards that Redis serves, and the ids of all their open periods."""
    ids = [f"level-{number:03}" for number in range(BOARDS)]
    with worker.engine.begin() as connection:
        rows = [{"id": board_id, "periods": ["all", "daily"]} for board_id in ids]
        connection.execute(tables.boards.insert(), rows)
        catalogue.count_change(connection)
    for number in range(MOVING):
        add_action(worker, Action(f"play-{number}", 1, 5, (ids[number],)))
    worker.catalogue._read_at = 0.0
    assert maintenance.rebuild_small_boards(worker) is False, "all of them are filled"
    return worker.catalogue.current().open_boards(datetime.now(UTC))


@contextmanager
def counting_scripts(worker: WorkerState) -> Iterator[list[int]]:
    """How often Redis was asked to run a script."""

    def runs() -> int:
        stats = worker.redis.info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval"))

    counted: list[int] = []
    before = runs()
    yield counted
    counted.append(runs() - before)


@contextmanager
def counting_statements(worker: WorkerState) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(*about: object) -> None:
        statements.append(str(about[2]))

    event.listen(worker.engine, "before_cursor_execute", note)
    yield statements
    event.remove(worker.engine, "before_cursor_execute", note)


def move(worker: WorkerState) -> None:
    (ada,) = add_users(worker.engine, 1)
    for number in range(MOVING):
        accept(worker, ada, f"play-{number}")
    drain_completely(worker)


def test_boards_without_standings_are_filled_together_and_served(worker: WorkerState, boards: list[BoardId]) -> None:
    assert len(boards) == 2 * BOARDS + 4
    assert worker.board.find_unserved(boards) == []


def test_a_board_that_has_standings_is_not_filled_as_if_it_had_none(worker: WorkerState, boards: list[BoardId]) -> None:
    move(worker)
    worker.redis.flushdb()
    left = worker.rebuilder.fill_empty(boards)
    assert sorted(left) == sorted(board for board in boards if board[0] in ("level-000", "level-001", "level-002"))
    assert sorted(worker.board.find_unserved(boards)) == sorted(left)
    maintenance.rebuild_small_boards(worker)
    assert worker.board.find_unserved(boards) == []


def test_a_sweep_looks_closely_at_what_moved_and_at_some_of_the_others(
    worker: WorkerState, boards: list[BoardId]
) -> None:
    maintenance._find_unserved(worker)
    move(worker)
    with counting_scripts(worker) as scripts:
        assert maintenance._find_unserved(worker) == []
    assert scripts[0] <= 2 * MOVING + IN_TURN


def test_a_board_that_redis_has_lost_in_part_is_found_in_its_turn_and_one_that_is_gone_at_once(
    worker: WorkerState, boards: list[BoardId]
) -> None:
    move(worker)
    maintenance._find_unserved(worker)
    gone, hurt = boards[100], ("level-000", "all")
    worker.redis.delete(BoardKeys(*gone).meta)
    assert gone in maintenance._find_unserved(worker)
    worker.redis.delete(BoardKeys(*hurt).scores)
    turns = -(-len(boards) // IN_TURN) + 1
    assert any(hurt in maintenance._find_unserved(worker) for _ in range(turns))


def test_snapshots_ask_only_about_boards_that_have_moved(worker: WorkerState, boards: list[BoardId]) -> None:
    snapshots.take_all(worker)
    move(worker)
    with counting_statements(worker) as statements:
        snapshots.take_all(worker)
    assert len([statement for statement in statements if "AND NOT EXISTS (SELECT FROM periods" in statement]) == 1
    assert len([statement for statement in statements if "found AS MATERIALIZED" in statement]) == 2 * MOVING
    with worker.engine.connect() as connection:
        assert connection.execute(tables.snapshots.select()).rowcount == 2 * MOVING


def test_the_end_of_a_verification_counts_only_boards_that_have_moved(
    worker: WorkerState, boards: list[BoardId]
) -> None:
    move(worker)
    for expected in (2 * MOVING, 0):
        with counting_statements(worker) as statements:
            verifying._end(worker, verifying.Round())
        counted = [statement for statement in statements if "AND hidden)" in statement]
        assert len(counted) == expected


def test_whoever_does_not_know_how_a_board_orders_equal_scores_leaves_it_as_it_is(
    worker: WorkerState, boards: list[BoardId]
) -> None:
    board = boards[0]
    assert worker.served.find_unserved(boards, {board[0]}) == []
    told = worker.redis.hget(BoardKeys(*board).meta, "shared")
    assert told == "1"
    assert ServedBoards(worker.board).find_unserved(boards) == [], "as /readyz asks"
    assert worker.redis.hget(BoardKeys(*board).meta, "shared") == told


@pytest.fixture
def on_every_board(worker: WorkerState, boards: list[BoardId]) -> str:
    """A player who stands on all of the many boards."""
    ids = [f"level-{number:03}" for number in range(BOARDS)]
    (ada,) = add_users(worker.engine, 1)
    for start in range(0, BOARDS, MOST_BOARDS_OF_AN_ACTION):
        action = add_action(
            worker, Action(f"sweep-{start}", 1, 7, tuple(ids[start : start + MOST_BOARDS_OF_AN_ACTION]))
        )
        worker.catalogue._read_at = 0.0
        accept(worker, ada, action)
    drain_completely(worker)
    return ada


def test_a_player_on_many_boards_is_found_there_in_one_round_trip_to_each_server(
    worker: WorkerState, client: FlaskClient, on_every_board: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.application.extensions["scoreboard"].catalogue._read_at = 0.0
    address = f"/api/scores/user/{on_every_board}/boards?period=daily"
    expected = client.get(address).get_json()["boards"]
    assert [(each["score"], each["rank"], each["total"]) for each in expected] == [(7, 1, 1)] * BOARDS
    leaderboard = Leaderboard(worker.board, worker.engine, Gate(StandIns([b"-" * 32])))
    daily = [board for board in worker.catalogue.current().open_boards(datetime.now(UTC)) if board[1] != "all"]
    trips: list[object] = []
    send: Callable[..., None] = redis.connection.AbstractConnection.send_packed_command

    def counted(*about: object, **options: object) -> None:
        trips.append(about)
        send(*about, **options)

    monkeypatch.setattr(redis.connection.AbstractConnection, "send_packed_command", counted)
    with counting_statements(worker) as statements:
        assert len(leaderboard.places_of(on_every_board, daily)) == BOARDS
    assert (len(trips), len(statements)) == (1, 2)


def test_a_player_is_found_on_those_of_many_boards_that_redis_has_lost(
    worker: WorkerState, client: FlaskClient, on_every_board: str
) -> None:
    client.application.extensions["scoreboard"].catalogue._read_at = 0.0
    address = f"/api/scores/user/{on_every_board}/boards"
    expected = client.get(address).get_json()
    assert len(expected["boards"]) == BOARDS
    for number in range(0, BOARDS, 7):
        worker.redis.delete(BoardKeys(f"level-{number:03}", "all").meta)
    assert client.get(address).get_json() == expected


def test_a_board_is_told_until_it_is_archived_and_by_the_rule_of_the_lists(
    worker: WorkerState, client: FlaskClient, on_every_board: str
) -> None:
    def told(at: timedelta) -> tuple[bool, bool]:
        values = {"id": "level-000", "at": datetime.now(UTC) + at}
        with worker.engine.begin() as connection:
            connection.execute(text("UPDATE boards SET archived_at = :at WHERE id = :id"), values)
            catalogue.count_change(connection)
        client.application.extensions["scoreboard"].catalogue._read_at = 0.0
        places = client.get(f"/api/scores/user/{on_every_board}/boards").get_json()["boards"]
        listed = client.get("/api/boards?limit=100").get_json()["boards"]
        return "level-000" in [each["board"] for each in places], "level-000" in [each["boardId"] for each in listed]

    assert told(timedelta(hours=1)) == (True, True), "it is planned"
    assert told(NOTICE / 2) == (False, False), "every process is about to know"
    assert told(-timedelta(hours=1)) == (False, False)
