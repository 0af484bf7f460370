"""One update from the signed request to ledger, standings, Redis board and answer, and every way to repeat it."""

import threading
import uuid

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from common.redis_store import keys
from common.redis_store.client import Client
from tests.conftest import BOTH_WAYS
from tests.player import Player, error_code, register
from web.intake.replies import Replies
from workers.state import WorkerState

pytestmark = BOTH_WAYS


def ledger(engine: Engine) -> list[tuple[str, str, int]]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT action_id, idempotency_key, points FROM score_events ORDER BY id"))
        return [(row[0], row[1], row[2]) for row in rows]


@pytest.mark.usefixtures("draining")
def test_an_update_is_applied_and_stands_everywhere(ada: Player, engine: Engine, client_of_redis: Client) -> None:
    answer = ada.update("win-match", "first-one")
    assert answer.status_code == 200
    body = answer.get_json()
    assert set(body) == {"status", "update", "entry", "previousRank", "entries"}
    assert body["status"] == "applied"
    assert body["update"] | {"appliedAt": ""} == {
        "userId": ada.user_id,
        "actionId": "win-match",
        "idempotencyKey": "first-one",
        "points": 25,
        "appliedAt": "",
    }
    assert body["entry"] == {
        "userId": ada.user_id,
        "username": "ada",
        "score": 25,
        "rank": 1,
        "lastUpdated": body["update"]["appliedAt"],
    }
    assert body["previousRank"] is None
    assert ledger(engine) == [("win-match", "first-one", 25)]
    shown = client_of_redis.zrange("leaderboard:scores", 0, -1, withscores=True)
    assert [(str(row[0]).partition(":")[2], row[1]) for row in shown] == [(ada.user_id, 25)]
    with engine.connect() as connection:
        standings = connection.execute(text("SELECT period_id, score FROM standings ORDER BY period_id")).all()
    assert len(standings) == 4
    assert {row.score for row in standings} == {25}


@pytest.mark.usefixtures("draining")
def test_ranks_move_and_the_first_to_reach_a_score_stays_ahead(client: FlaskClient, ada: Player) -> None:
    bob = register(client, "bob")
    ada.update("win-match")
    assert bob.update("complete-level").get_json()["entry"]["rank"] == 2
    tied = bob.update("daily-login"), bob.update("complete-level")
    assert tied[1].get_json()["entry"] | {"lastUpdated": ""} == {
        "userId": bob.user_id,
        "username": "bob",
        "score": 25,
        "rank": 2,
        "lastUpdated": "",
    }
    ahead = bob.update("share").get_json()
    assert (ahead["entry"]["rank"], ahead["previousRank"]) == (1, 2)


@pytest.mark.usefixtures("draining")
def test_a_repeated_request_gets_the_same_outcome_and_counts_once(ada: Player, engine: Engine) -> None:
    claim = ada.claim("win-match", "same-key")
    first, second = ada.send(claim), ada.send(claim)
    assert second.status_code == 200
    assert second.get_json() == first.get_json()
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(ledger(engine)) == 1


@pytest.mark.usefixtures("draining")
def test_fifty_requests_at_once_with_one_key_count_once(app: Flask, ada: Player, engine: Engine) -> None:
    claim = ada.claim("win-match", "stampede")
    answers: list[TestResponse] = []

    def send() -> None:
        answers.append(Player(app.test_client(), ada.login).send(claim))

    threads = [threading.Thread(target=send) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 50
    assert len({answer.get_data() for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert len(ledger(engine)) == 1


@pytest.mark.usefixtures("draining")
def test_a_key_used_for_another_action_is_refused(ada: Player, engine: Engine) -> None:
    ada.update("win-match", "same-key")
    answer = ada.update("share", "same-key")
    assert (answer.status_code, error_code(answer)) == (400, "idempotency_key_reused")
    assert len(ledger(engine)) == 1


@pytest.mark.usefixtures("draining")
def test_keys_of_two_players_never_meet(client: FlaskClient, ada: Player, engine: Engine) -> None:
    bob = register(client, "bob")
    assert ada.update("win-match", "same-key").get_json()["entry"]["userId"] == ada.user_id
    assert bob.update("share", "same-key").get_json()["entry"]["userId"] == bob.user_id
    assert len(ledger(engine)) == 2


@pytest.mark.usefixtures("draining")
@pytest.mark.parametrize("age_seconds", [0, 3600])
def test_a_repetition_that_redis_has_forgotten_is_answered_by_the_ledger(
    ada: Player, worker: WorkerState, engine: Engine, age_seconds: int
) -> None:
    first = ada.update("win-match", "remembered").get_json()
    ada.update("share")
    worker.redis.delete(keys.receipt(ada.user_id, "remembered"))
    again = ada.update("win-match", "remembered", age_seconds=age_seconds)
    assert again.status_code == 200
    assert again.headers["Idempotent-Replayed"] == "true"
    first.pop("entries")  # told only of what is fresh
    assert again.get_json() == {**first, "previousRank": None}
    assert len(ledger(engine)) == 2


@pytest.mark.usefixtures("draining")
def test_a_forgotten_key_with_another_action_is_refused_by_the_ledger(ada: Player, worker: WorkerState) -> None:
    ada.update("win-match", "remembered")
    worker.redis.delete(keys.receipt(ada.user_id, "remembered"))
    answer = ada.update("share", "remembered")
    assert (answer.status_code, error_code(answer)) == (400, "idempotency_key_reused")
    receipt = ada.client.get("/api/scores/updates/remembered", headers=ada.headers).get_json()
    assert receipt["update"]["actionId"] == "win-match"


def test_without_a_worker_the_answer_is_accepted_and_the_outcome_comes_later(
    ada: Player, worker: WorkerState, app: Flask
) -> None:
    answer = ada.update("win-match", "later-on", prefer="respond-async")
    assert answer.status_code == 202
    assert answer.get_json() == {
        "status": "accepted",
        "update": {"userId": ada.user_id, "actionId": "win-match", "idempotencyKey": "later-on"},
        "statusUrl": "/api/scores/updates/later-on",
    }
    status_url = answer.get_json()["statusUrl"]
    assert ada.client.get(status_url, headers=ada.headers).get_json()["status"] == "accepted"
    worker.drain.run()
    receipt = ada.client.get(status_url, headers=ada.headers)
    assert receipt.get_json()["status"] == "applied"
    assert receipt.get_json()["entry"]["score"] == 25


def test_a_worker_that_is_late_turns_the_answer_into_an_accepted_one(ada: Player) -> None:
    assert ada.update("win-match").status_code == 202


@pytest.mark.usefixtures("draining")
def test_a_preference_among_others_is_understood(ada: Player) -> None:
    assert ada.update("win-match", prefer="handling=lenient, respond-async; wait=5").status_code == 202


def test_the_receipt_of_an_unknown_key_is_not_found(ada: Player) -> None:
    answer = ada.client.get("/api/scores/updates/never-used", headers=ada.headers)
    assert (answer.status_code, error_code(answer)) == (404, "not_found")


@pytest.mark.usefixtures("draining")
def test_one_player_cannot_read_the_receipt_of_another(client: FlaskClient, ada: Player) -> None:
    bob = register(client, "bob")
    ada.update("win-match", "adas-own-key")
    assert client.get("/api/scores/updates/adas-own-key", headers=bob.headers).status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"signature": "0" * 64}, 401, "signature_invalid"),
        ({"signature": "Ünïcode"}, 401, "signature_invalid"),
        ({"actionId": "share"}, 401, "signature_invalid"),
        ({"userId": str(uuid.uuid4())}, 403, "user_mismatch"),
        ({"userId": "me"}, 400, "validation_failed"),
        ({"idempotencyKey": "short"}, 400, "validation_failed"),
        ({"points": 1000}, 400, "validation_failed"),
        ({"timestamp": 5}, 400, "validation_failed"),
    ],
)
def test_a_request_outside_the_contract_leaves_no_trace(
    ada: Player, worker: WorkerState, change: dict[str, object], status: int, code: str
) -> None:
    answer = ada.send({**ada.claim("win-match"), **change})
    assert (answer.status_code, error_code(answer)) == (status, code)
    assert worker.inbox.depth() == 0
    assert ledger(worker.engine) == []
    assert worker.redis.keys("scores:receipt:*") == []


@pytest.mark.parametrize("age_seconds", [-310, 310])
def test_a_timestamp_outside_the_window_is_refused_for_a_new_key(
    ada: Player, worker: WorkerState, age_seconds: int
) -> None:
    answer = ada.update("win-match", age_seconds=age_seconds)
    assert (answer.status_code, error_code(answer)) == (400, "timestamp_out_of_range")
    assert answer.get_json()["error"]["details"]["serverTime"].endswith("Z")
    assert worker.inbox.depth() == 0


@pytest.mark.parametrize("age_seconds", [-290, 290])
def test_a_timestamp_within_the_window_is_taken(ada: Player, age_seconds: int) -> None:
    assert ada.update("win-match", age_seconds=age_seconds, prefer="respond-async").status_code == 202


def test_an_action_outside_the_catalogue_is_refused(ada: Player, worker: WorkerState) -> None:
    answer = ada.update("grant-myself-points")
    assert (answer.status_code, error_code(answer)) == (400, "unknown_action")
    assert worker.inbox.depth() == 0


def test_an_update_without_a_token_is_refused_before_it_is_read(client: FlaskClient) -> None:
    answer = client.post("/api/scores/update", data=b"{", content_type="application/json")
    assert (answer.status_code, error_code(answer)) == (401, "token_missing")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.usefixtures("draining")
def test_a_reused_key_is_told_also_when_the_reply_is_lost_and_redis_had_forgotten_it(
    ada: Player, client_of_redis: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ada.update("win-match", "remembered").status_code == 200
    client_of_redis.delete(keys.receipt(ada.user_id, "remembered"))
    monkeypatch.setattr(Replies, "_deliver", lambda *_: None)
    answer = ada.update("share", "remembered")
    assert (answer.status_code, error_code(answer)) == (400, "idempotency_key_reused")
