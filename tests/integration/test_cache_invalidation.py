"""What Redis holds follows the truth at once, expires where it should, and comes back when it is lost."""

import uuid
from contextlib import ExitStack

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from common.domain.pagination import FIRST
from common.redis_store import keys
from common.redis_store.board import Board, BoardNotServedError
from common.redis_store.client import Client
from common.redis_store.keys import BoardKeys
from common.services import leaderboard, read_turns
from common.services.rebuild import Rebuilder
from dev.harness.waiting import wait_until
from tests.conftest import draining_thread
from tests.player import Player, error_code, log_in, register
from workers import maintenance
from workers.state import WorkerState

LEADERBOARD = "/api/scores/leaderboard"


@pytest.mark.usefixtures("draining")
def test_a_list_shows_a_change_as_soon_as_it_was_answered(client: FlaskClient, ada: Player) -> None:
    for expected in (25, 50, 75):
        ada.update("win-match")
        assert client.get(LEADERBOARD).get_json()["entries"][0]["score"] == expected


@pytest.mark.usefixtures("draining")
def test_the_version_moves_with_the_board_and_only_with_it(client: FlaskClient, ada: Player) -> None:
    ada.update("win-match")
    first = client.get(LEADERBOARD).get_json()["version"]
    assert client.get(LEADERBOARD).get_json()["version"] == first
    ada.update("win-match")
    epoch, _, seq = client.get(LEADERBOARD).get_json()["version"].partition(":")
    assert (epoch, int(seq)) == (first.partition(":")[0], int(first.partition(":")[2]) + 1)


@pytest.mark.usefixtures("draining")
def test_details_are_cached_for_an_hour_and_filled_again_after_a_miss(
    client: FlaskClient, ada: Player, client_of_redis: Client
) -> None:
    ada.update("win-match")
    assert client.get(f"/api/scores/user/{ada.user_id}").get_json()["username"] == "ada"
    assert client_of_redis.hget(keys.user_details(ada.user_id), "username") == "ada"
    assert 3590 <= client_of_redis.ttl(keys.user_details(ada.user_id)) <= 3600
    client_of_redis.delete(keys.user_details(ada.user_id))
    assert client.get(LEADERBOARD).get_json()["entries"][0]["username"] == "ada"
    assert client_of_redis.exists(keys.user_details(ada.user_id))


@pytest.mark.parametrize(
    "damage", ["flushall", "scores", "members", "scores and members", "meta", "all three", "another server"]
)
def test_a_board_that_redis_has_lost_is_read_from_the_database_and_built_again(
    client: FlaskClient, ada: Player, worker: WorkerState, damage: str
) -> None:
    with draining_thread(worker):
        ada.update("win-match")
    before = client.get(LEADERBOARD).get_json()
    lose(worker.redis, damage)

    meanwhile = client.get(LEADERBOARD).get_json()
    assert meanwhile["entries"] == before["entries"]
    assert meanwhile["version"].startswith("database:")
    assert client.get(f"/api/scores/user/{ada.user_id}").get_json()["rank"] == 1

    maintenance.repair(worker)
    after = client.get(LEADERBOARD).get_json()
    assert after["entries"] == before["entries"]
    assert not after["version"].startswith("database:")
    assert after["version"].partition(":")[0] != before["version"].partition(":")[0]


def lose(client: Client, damage: str) -> None:
    of = BoardKeys("main", "all")
    if damage == "flushall":
        client.flushall()
    elif damage == "another server":
        client.hset(of.meta, "run_id", "0" * 40)
    else:
        doomed = {
            "scores": [of.scores],
            "members": [of.members],
            "scores and members": [of.scores, of.members],
            "meta": [of.meta],
            "all three": [of.scores, of.members, of.meta],
        }
        client.delete(*doomed[damage])


def test_readers_leave_connections_to_others_while_the_database_answers_for_redis(
    app: Flask, client: FlaskClient, ada: Player, worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_turns, "LONGEST_WAIT_SECONDS", 0.05)
    lose(worker.redis, "all three")
    turns = app.extensions["scoreboard"].leaderboard._reading
    with ExitStack() as readers:
        for _ in range(leaderboard.READS_AT_ONCE):
            readers.enter_context(turns._seats)
        for path in (LEADERBOARD, f"/api/scores/user/{ada.user_id}"):
            refused = client.get(path)
            assert (refused.status_code, error_code(refused)) == (503, "rebuilding")
            assert refused.headers["Retry-After"] == "1"
        assert client.get("/").status_code == 200
        assert log_in(client, "ada").user_id == ada.user_id
    assert client.get(LEADERBOARD).status_code == 200


def test_an_update_during_a_rebuild_waits_and_is_not_lost(ada: Player, worker: WorkerState) -> None:
    of = BoardKeys("main", "all")
    worker.redis.hset(of.meta, "fence", "somebody")
    worker.redis.set(of.rebuilding, "somebody", px=600)
    with draining_thread(worker):
        answer = ada.update("win-match")
        assert answer.status_code in (200, 202)
        wait_until(lambda: worker.inbox.depth() == 0)
    assert Board(worker.redis).page("main", "all", 1, FIRST).rows.entries[0].score == 25


def test_a_fenced_board_takes_no_projection_and_is_not_shown(worker: WorkerState) -> None:
    worker.redis.hset(BoardKeys("main", "all").meta, "fence", "somebody")
    with pytest.raises(BoardNotServedError):
        Board(worker.redis).page("main", "all", 1, FIRST)
    assert not worker.rebuilder.is_served("main", "all")


def test_of_two_rebuilds_at_once_one_stands_back(worker: WorkerState, ada: Player) -> None:
    with draining_thread(worker):
        ada.update("win-match")
    second: list[bool] = []

    def in_the_middle(_rows: int) -> None:
        second.append(Rebuilder(worker.redis, worker.engine).rebuild("main", "all"))

    assert worker.rebuilder.rebuild("main", "all", in_the_middle)
    assert second == [False]
    assert worker.rebuilder.is_served("main", "all")


def test_a_rebuild_that_fails_gives_the_old_board_back(worker: WorkerState, ada: Player) -> None:
    with draining_thread(worker):
        ada.update("win-match")
    with worker.engine.begin() as connection:
        connection.execute(text("ALTER TABLE standings RENAME TO standings_gone"))
    with pytest.raises(Exception, match="standings"):
        worker.rebuilder.rebuild("main", "all")
    assert worker.rebuilder.is_served("main", "all")
    assert Board(worker.redis).page("main", "all", 1, FIRST).rows.entries[0].score == 25


def test_a_user_who_has_not_scored_is_known_and_unranked(client: FlaskClient, ada: Player) -> None:
    assert client.get(f"/api/scores/user/{ada.user_id}").get_json() == {
        "userId": ada.user_id,
        "username": "ada",
        "score": 0,
        "rank": None,
        "lastUpdated": None,
        "total": 0,
        "percentile": None,
    }


@pytest.mark.parametrize("path", ["", "?period=daily"])
def test_a_user_who_does_not_exist_is_not_found(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/api/scores/user/{uuid.uuid4()}{path}")
    assert (answer.status_code, error_code(answer)) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "validation_failed"),
        ("limit=101", "validation_failed"),
        ("limit=ten", "validation_failed"),
        ("limit=1_0", "validation_failed"),
        ("limit=%2B5", "validation_failed"),
        ("limit=10.0", "validation_failed"),
        ("limit=", "validation_failed"),
        ("limit=5&limit=6", "validation_failed"),
        ("colour=red", "validation_failed"),
        ("period=yearly", "validation_failed"),
        ("period=2026-02-30", "validation_failed"),
        ("board=Main", "validation_failed"),
        ("board=elsewhere", "unknown_board"),
    ],
)
def test_a_query_outside_the_contract_is_refused(client: FlaskClient, query: str, code: str) -> None:
    answer = client.get(f"{LEADERBOARD}?{query}")
    assert (answer.status_code, error_code(answer)) == (400, code)


@pytest.mark.usefixtures("draining")
def test_the_same_order_from_redis_and_from_the_database(client: FlaskClient, worker: WorkerState, ada: Player) -> None:
    for name in ("bob", "cyd", "dan", "eve"):
        register(client, name).update("win-match")
    ada.update("win-match")
    shown = client.get(LEADERBOARD).get_json()["entries"]
    assert [entry["username"] for entry in shown] == ["bob", "cyd", "dan", "eve", "ada"]
    worker.redis.flushall()
    assert client.get(LEADERBOARD).get_json()["entries"] == shown


def test_an_empty_period_is_an_empty_list_with_its_id(client: FlaskClient) -> None:
    body = client.get(f"{LEADERBOARD}?period=2020-W01").get_json()
    assert (body["period"], body["entries"], body["total"]) == ("2020-W01", [], 0)
    assert body["periodEndsAt"] == "2020-01-06T00:00:00.000Z"
