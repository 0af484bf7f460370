"""Values of game servers: accepted, refused, repeated and counted by the rules of the boards that they feed."""

from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import text

from common.contract.constants import GREATEST_SECOND
from common.domain.boards import Board, Rule, SecondScore
from common.domain.inbox_entries import Update
from common.domain.scoring import Action, ClaimedBy, Kind
from common.postgres import catalogue, tables
from common.redis_store import keys
from tests.game_server import BATCH, GameServer, item
from tests.inbox import add_users, drain_completely
from tests.integration.test_scoring_rules import add_boards
from tests.player import Player
from workers.state import WorkerState

RECEIPTS = "/api/scores/receipts"
BOARDS = [
    Board("laps", rule=Rule.LOWEST, ascending=True, periods=("all", "weekly")),
    Board("contest", second=SecondScore(ascending=True), periods=("all",)),
    Board("rounds", rule=Rule.HIGHEST, second=SecondScore(ascending=True), periods=("weekly",)),
]
LAP = Action("lap", 1, 0, ("laps",), kind=Kind.VALUE, value_min=20_000, value_max=600_000, claimed_by=ClaimedBy.SERVER)
ROUND = Action("round", 1, 0, ("rounds",), kind=Kind.VALUE, claimed_by=ClaimedBy.SERVER)
TASK = Action("task", 1, 0, ("contest",), kind=Kind.VALUE, claimed_by=ClaimedBy.SERVER)
BONUS = Action("bonus", 1, 5, ("main",), claimed_by=ClaimedBy.SERVER)
WAVE = Action("wave", 1, 1, ("main",), claimed_by=ClaimedBy.PLAYER)
SOLVE = Action("solve", 1, 50, ("main",), lifetime_limit=1)


@pytest.fixture
def catalogued(worker: WorkerState, application: Flask) -> WorkerState:
    """The worker, with boards of values and their actions, which the web knows, too."""
    with worker.engine.begin() as connection:
        add_boards(connection, BOARDS)
        for action in (LAP, ROUND, TASK, BONUS, WAVE, SOLVE):
            catalogue.add(connection, action, enabled=True)
    for known in (worker.catalogue, application.extensions["scoreboard"].catalogue):
        known._catalogue, known._read_at = None, float("-inf")
    return worker


@pytest.fixture
def racer(catalogued: WorkerState) -> str:
    (user_id,) = add_users(catalogued.engine, 1)
    return user_id


def scores(worker: WorkerState, board: str) -> list[tuple[int, int]]:
    """Score and second score of each standing of a board, in its longest period."""
    statement = text("SELECT score, second FROM standings WHERE board_id = :board ORDER BY period_id DESC LIMIT 1")
    with worker.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(statement, {"board": board})]


def outcome_of(server: GameServer, user_id: str, key: str) -> dict[str, Any]:
    outcome: dict[str, Any] = server.outcome(user_id, key).get_json()
    return outcome


def test_the_best_lap_stands_whatever_comes_later(server: GameServer, catalogued: WorkerState, racer: str) -> None:
    def etag() -> str:
        return server.client.get("/api/scores/leaderboard?board=laps").headers["ETag"]

    versions = []
    for value in (61_200, 60_350, 74_000):
        assert server.send(item(racer, "lap", value=value)).get_json()["accepted"] == 1
        drain_completely(catalogued)
        versions.append(etag())
    assert versions[0] != versions[1] == versions[2], "what is no better moves nothing"
    assert scores(catalogued, "laps") == [(60_350, 0)]
    shown = server.client.get("/api/scores/leaderboard?board=laps").get_json()["entries"]
    assert [(entry["userId"], entry["score"]) for entry in shown] == [(racer, 60_350)]
    assert catalogued.verifier.check([racer]) == []


def test_a_second_score_stays_with_the_score_that_it_came_with(
    server: GameServer, catalogued: WorkerState, racer: str
) -> None:
    server.send(*(item(racer, "round", value=value, second=second) for value, second in ((10, 90), (12, 120), (9, 1))))
    drain_completely(catalogued)
    assert scores(catalogued, "rounds") == [(12, 120)]
    server.send(item(racer, "round", value=12, second=119))
    drain_completely(catalogued)
    assert scores(catalogued, "rounds") == [(12, 119)]
    assert catalogued.verifier.check([racer]) == []


def test_points_and_penalties_add_up_until_they_leave_their_range(
    server: GameServer, catalogued: WorkerState, racer: str
) -> None:
    server.send(*(item(racer, "task", value=1, second=second) for second in (20, 25)), item(racer, "task", value=0))
    drain_completely(catalogued)
    assert scores(catalogued, "contest") == [(2, 45)]
    server.send(item(racer, "task", "too-much-time", value=1, second=GREATEST_SECOND))
    drain_completely(catalogued)
    assert outcome_of(server, racer, "too-much-time")["error"]["code"] == "score_out_of_range"
    assert scores(catalogued, "contest") == [(2, 45)]
    assert catalogued.verifier.check([racer]) == []


@pytest.mark.parametrize(
    ("claimed", "code", "says"),
    [
        ({"action_id": "lap"}, "validation_failed", "value: is required"),
        ({"action_id": "lap", "value": 1.0}, "validation_failed", "value:"),
        ({"action_id": "lap", "value": "61200"}, "validation_failed", "value:"),
        ({"action_id": "lap", "value": True}, "validation_failed", "value:"),
        ({"action_id": "lap", "value": 2**53}, "validation_failed", "value:"),
        ({"action_id": "lap", "value": 19_999}, "value_out_of_range", "from 20000 to 600000"),
        ({"action_id": "lap", "value": 600_001}, "value_out_of_range", "from 20000 to 600000"),
        ({"action_id": "lap", "value": 61_200, "second": 1}, "validation_failed", "second: must be left out"),
        ({"action_id": "round", "value": 1, "second": 10**15}, "validation_failed", "second:"),
        ({"action_id": "win-match", "value": 25}, "validation_failed", "value: must be left out"),
        ({"action_id": "wave"}, "action_not_allowed", "claimed by players only"),
    ],
)
def test_a_claim_that_does_not_fit_its_action_is_refused_and_says_why(
    server: GameServer, racer: str, claimed: dict[str, Any], code: str, says: str
) -> None:
    (refused,) = server.send(item(racer, **claimed)).get_json()["refused"]
    assert refused["code"] == code
    assert says in refused["message"]


def test_a_value_in_another_notation_of_json_is_refused(server: GameServer, racer: str) -> None:
    body = orjson.dumps({"updates": [item(racer, "lap", value=7)]}).replace(b'"value":7', b'"value":6e4')
    answer = server.client.post(BATCH, data=body, headers=server.headers(body))
    assert [refused["code"] for refused in answer.get_json()["refused"]] == ["validation_failed"]


@pytest.mark.usefixtures("catalogued")
def test_a_player_may_not_claim_what_a_server_claims(ada: Player) -> None:
    for action in ("bonus", "lap"):
        answer = ada.update(action)
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (403, "server_action")
    with_value = ada.send({**ada.claim(), "value": 25})
    assert (with_value.status_code, with_value.get_json()["error"]["code"]) == (400, "validation_failed")


@pytest.mark.parametrize("forgets", ["nothing", "the receipt"])
@pytest.mark.parametrize("applied", [True, False])
def test_a_key_is_good_for_one_value(
    server: GameServer, catalogued: WorkerState, racer: str, applied: bool, forgets: str
) -> None:
    assert server.send(item(racer, "round", "key-of-a-round", value=10, second=90)).get_json()["accepted"] == 1
    if applied:
        drain_completely(catalogued)
        if forgets == "the receipt":
            catalogued.redis.delete(keys.receipt(racer, "key-of-a-round"))
    again = server.send(
        item(racer, "round", "key-of-a-round", value=10, second=90),
        item(racer, "round", "key-of-a-round", value=11, second=90),
        item(racer, "round", "key-of-a-round", value=10, second=91),
    ).get_json()
    assert (again["accepted"], again["replayed"]) == (0, 1)
    assert [(refused["index"], refused["code"]) for refused in again["refused"]] == [
        (1, "idempotency_key_reused"),
        (2, "idempotency_key_reused"),
    ]
    drain_completely(catalogued)
    assert scores(catalogued, "rounds") == [(10, 90)]


def test_a_refused_key_answers_its_refusal_whatever_value_comes(
    server: GameServer, catalogued: WorkerState, racer: str
) -> None:
    server.send(item(racer, "lap", "key-of-a-lap", value=61_200))
    with catalogued.engine.begin() as connection:
        connection.execute(tables.actions.update().where(tables.actions.c.id == "lap").values(value_min=70_000))
    catalogued.catalogue._catalogue = None
    drain_completely(catalogued)
    assert outcome_of(server, racer, "key-of-a-lap")["error"]["code"] == "value_out_of_range"
    assert scores(catalogued, "laps") == [], "a refused row counts nothing, though its 0 would be the best lap"
    again = server.send(item(racer, "lap", "key-of-a-lap", value=71_000)).get_json()
    assert again["replays"] == [{"idempotencyKey": "key-of-a-lap", "status": "refused"}]
    assert catalogued.verifier.check([racer]) == []


def test_what_counts_once_in_a_lifetime_counts_once(server: GameServer, catalogued: WorkerState, racer: str) -> None:
    server.send(item(racer, "solve", "solved-once"), item(racer, "solve", "solved-twice"))
    drain_completely(catalogued)
    told = [outcome_of(server, racer, key) for key in ("solved-once", "solved-twice")]
    assert [outcome["status"] for outcome in told] == ["applied", "refused"]
    assert told[1]["error"]["code"] == "action_limit_reached"
    assert scores(catalogued, "main") == [(50, 0)]


def test_a_claim_of_an_action_that_became_a_servers_meanwhile_counts_nothing(catalogued: WorkerState) -> None:
    """And a value action without a value, which only a web process of the version before accepts."""
    users = add_users(catalogued.engine, 2)
    for user, action, source in ((users[0], "bonus", "player"), (users[1], "lap", None)):
        catalogued.inbox.accept(Update(user, action, "of-before", "2026-11-23T09:15:00.123Z", "id", source=source))
    drain_completely(catalogued)
    with catalogued.engine.connect() as connection:
        rows = connection.execute(text("SELECT action_id, refusal FROM score_events ORDER BY action_id"))
        assert [tuple(row) for row in rows] == [("bonus", "server_action"), ("lap", "validation_failed")]
        assert connection.scalar(text("SELECT count(*) FROM standings")) == 0


def test_a_game_server_asks_about_many_updates_at_once(server: GameServer, catalogued: WorkerState, racer: str) -> None:
    server.send(item(racer, "lap", "key-of-a-lap", value=61_200))
    drain_completely(catalogued)
    server.send(item(racer, "lap", "key-to-come", value=61_200))
    asked = [{"userId": racer, "idempotencyKey": key} for key in ("key-to-come", "never-seen", "key-of-a-lap")]
    asked.append({"externalId": "nobody-here", "idempotencyKey": "key-of-a-lap"})
    answer = server.post(RECEIPTS, {"updates": asked})
    assert answer.status_code == 200, answer.get_json()
    coming, unseen, applied, nobody = answer.get_json()["receipts"]
    assert (coming["status"], unseen, nobody) == ("accepted", None, None)
    assert (applied["status"], applied["update"]["points"]) == ("applied", 61_200)
    assert server.post(RECEIPTS, {"updates": asked[:1] * 1001}).status_code == 400


def test_a_request_that_waits_is_told_the_place_on_every_board(
    server: GameServer, catalogued: WorkerState, draining: None, racer: str
) -> None:
    def lap(value: int, user: str = racer) -> object:
        answer = server.post(BATCH, {"updates": [item(user, "lap", value=value)]}, Prefer="wait=5").get_json()
        (outcome,) = answer["outcomes"]
        assert outcome["status"] == "applied", outcome
        (entry,) = outcome["entries"]
        return entry

    (other,) = add_users(catalogued.engine, 1)
    place = {"board": "laps", "period": "all"}
    assert lap(70_000) == {**place, "score": 70_000, "rank": 1, "previousRank": None, "improved": True}
    assert lap(60_000, other) == {**place, "score": 60_000, "rank": 1, "previousRank": None, "improved": True}
    assert lap(80_000) == {**place, "score": 70_000, "rank": 2, "previousRank": 2, "improved": False}
    assert lap(59_000) == {**place, "score": 59_000, "rank": 1, "previousRank": 2, "improved": True}


@pytest.mark.usefixtures("draining")
def test_a_players_answer_names_the_default_board_like_any_other(ada: Player) -> None:
    answer = ada.update("win-match").get_json()
    (entry,) = answer["entries"]
    assert entry == {
        "board": "main", "period": "all", "score": 25, "rank": 1, "previousRank": None, "improved": True
    }  # fmt: skip
