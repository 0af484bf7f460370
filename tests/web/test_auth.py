"""Accounts and sessions over HTTP: register, log in, refresh with rotation, log out."""

import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from common.domain import passwords, tokens
from common.domain.tokens import AccessClaims
from common.redis_store import client as redis_client
from common.redis_store.client import Client
from common.services import revocations
from common.services.revocations import Revocations
from dev.harness.waiting import wait_until
from tests.conftest import SettingsFactory
from tests.documents import documented_application
from tests.player import PASSWORD, Player, error_code, log_in, register
from workers.state import WorkerState


def refresh(client: FlaskClient, token: str) -> TestResponse:
    return client.post("/api/auth/refresh", json={"refreshToken": token})


def status_with(player: Player, access_token: str | None = None) -> int:
    headers = {"Authorization": f"Bearer {access_token or player.login['accessToken']}"}
    return player.client.get("/api/scores/updates/unused-key", headers=headers).status_code


def test_a_new_account_is_a_player(client: FlaskClient) -> None:
    answer = client.post("/api/auth/register", json={"username": "Ada.L", "password": PASSWORD})
    assert answer.status_code == 201
    assert set(answer.get_json()) == {"user"}
    user = answer.get_json()["user"]
    assert (user["username"], user["role"], set(user)) == ("Ada.L", "player", {"userId", "username", "role"})


def test_a_name_is_taken_in_any_case(client: FlaskClient, ada: Player) -> None:
    answer = client.post("/api/auth/register", json={"username": "ADA", "password": PASSWORD})
    assert (answer.status_code, error_code(answer)) == (409, "username_taken")


def test_of_many_at_once_one_gets_the_name(app: Flask) -> None:
    statuses: list[int] = []

    def attempt() -> None:
        body = {"username": "wanted", "password": PASSWORD}
        statuses.append(app.test_client().post("/api/auth/register", json=body).status_code)

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 409, 409, 409, 409, 409]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "ab", "password": PASSWORD}, "username"),
        ({"username": "admin", "password": PASSWORD}, "username"),
        ({"username": "ada", "password": "short"}, "password"),
        ({"username": "ada", "password": "x" * 129}, "password"),
        ({"username": "ada"}, "password"),
        ({"username": "ada", "password": PASSWORD, "role": "admin"}, "role"),
    ],
)
def test_a_bad_registration_names_the_field(client: FlaskClient, body: dict[str, str], field: str) -> None:
    answer = client.post("/api/auth/register", json=body)
    assert (answer.status_code, error_code(answer)) == (400, "validation_failed")
    assert [each["field"] for each in answer.get_json()["error"]["details"]["fields"]] == [field]


def test_closed_registration_is_refused(make_settings: SettingsFactory, worker: WorkerState) -> None:
    with documented_application(make_settings(SCOREBOARD_REGISTRATION="closed")) as closed:
        answer = closed.test_client().post("/api/auth/register", json={"username": "ada", "password": PASSWORD})
        assert (answer.status_code, error_code(answer)) == (403, "registration_closed")


def test_a_login_answers_as_the_contract_says(client: FlaskClient, ada: Player) -> None:
    assert set(ada.login) == {
        "accessToken", "tokenType", "expiresIn", "refreshToken", "refreshExpiresIn", "signingKey", "user",
    }  # fmt: skip
    assert (ada.login["tokenType"], ada.login["expiresIn"], ada.login["refreshExpiresIn"]) == ("Bearer", 3600, 86400)
    assert ada.login["user"] == {"userId": ada.user_id, "username": "ada", "role": "player"}
    assert len(ada.login["signingKey"]) == 43


def test_unknown_user_and_wrong_password_cannot_be_told_apart(
    client: FlaskClient, ada: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    real = passwords.is_password

    def watching(password: str, password_hash: str) -> bool:
        verified.append(password_hash.rpartition("$")[0].rpartition("$")[0])
        return real(password, password_hash)

    monkeypatch.setattr(passwords, "is_password", watching)
    wrong = client.post("/api/auth/login", json={"username": "ada", "password": "wrong password"})
    unknown = client.post("/api/auth/login", json={"username": "nobody", "password": "wrong password"})
    assert (wrong.status_code, error_code(wrong)) == (401, "invalid_credentials")
    assert (unknown.status_code, unknown.get_data()) == (wrong.status_code, wrong.get_data())
    assert len(verified) == 2
    assert verified[0] == verified[1], "the same work for both"


def test_a_name_logs_in_in_any_case(client: FlaskClient, ada: Player) -> None:
    assert log_in(client, "ADA").user_id == ada.user_id


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "token_missing"),
        ("Basic YWRhOmFkYQ==", "token_missing"),
        ("Bearer", "token_missing"),
        ("Bearer ", "token_missing"),
        ("Bearer nonsense", "token_invalid"),
        ("Bearer ä", "token_invalid"),
    ],
)
def test_a_request_without_a_good_token_is_refused(client: FlaskClient, header: str, code: str) -> None:
    answer = client.post("/api/auth/logout", headers={"Authorization": header} if header else {})
    assert (answer.status_code, error_code(answer)) == (401, code)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_refresh_token_is_no_access_token(ada: Player) -> None:
    assert status_with(ada, ada.login["refreshToken"]) == 401


def test_a_refresh_keeps_session_and_signing_key_and_rotates_the_tokens(client: FlaskClient, ada: Player) -> None:
    answer = refresh(client, ada.login["refreshToken"])
    assert answer.status_code == 200
    renewed = answer.get_json()
    assert set(renewed) == set(ada.login)
    assert renewed["signingKey"] == ada.login["signingKey"]
    assert renewed["refreshToken"] != ada.login["refreshToken"]
    assert renewed["accessToken"] != ada.login["accessToken"]
    assert renewed["refreshExpiresIn"] <= 86400
    assert status_with(ada, renewed["accessToken"]) == 404


def test_a_lost_answer_is_given_again_within_the_grace(client: FlaskClient, ada: Player) -> None:
    first = refresh(client, ada.login["refreshToken"]).get_json()
    again = refresh(client, ada.login["refreshToken"])
    assert again.status_code == 200
    assert again.get_json()["refreshToken"] == first["refreshToken"]


def test_a_token_used_again_after_its_successor_was_used_ends_the_session(client: FlaskClient, ada: Player) -> None:
    second = refresh(client, ada.login["refreshToken"]).get_json()
    third = refresh(client, second["refreshToken"]).get_json()
    answer = refresh(client, ada.login["refreshToken"])
    assert (answer.status_code, error_code(answer)) == (401, "refresh_token_reused")
    assert status_with(ada) == status_with(ada, third["accessToken"]) == 401
    dead = refresh(client, third["refreshToken"])
    assert (dead.status_code, error_code(dead)) == (401, "refresh_token_invalid")


def test_a_token_used_again_after_the_grace_ends_the_session(client: FlaskClient, ada: Player) -> None:
    refresh(client, ada.login["refreshToken"])
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=11)):
        answer = refresh(client, ada.login["refreshToken"])
    assert error_code(answer) == "refresh_token_reused"
    assert status_with(ada) == 401


def test_twenty_uses_at_once_give_one_successor(app: Flask, ada: Player) -> None:
    answers: list[TestResponse] = []
    threads = [
        threading.Thread(target=lambda: answers.append(refresh(app.test_client(), ada.login["refreshToken"])))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.get_json()["refreshToken"] for answer in answers}) == 1


def test_a_session_ends_a_day_after_its_login_refreshed_or_not(client: FlaskClient, ada: Player) -> None:
    token = ada.login["refreshToken"]
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=23), tick=False):
        renewed = refresh(client, token).get_json()
        assert 3500 <= renewed["refreshExpiresIn"] <= 3600
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=24, seconds=1), tick=False):
        answer = refresh(client, renewed["refreshToken"])
    assert (answer.status_code, error_code(answer)) == (401, "refresh_token_invalid")


@pytest.mark.parametrize("token", ["x", "\u00e9" * 40, "A" * 43])
def test_a_refresh_token_that_is_not_ours_is_refused(client: FlaskClient, token: str) -> None:
    answer = refresh(client, token)
    assert (answer.status_code, error_code(answer)) == (401, "refresh_token_invalid")


def test_a_logout_ends_access_refresh_and_signing_at_once(client: FlaskClient, ada: Player) -> None:
    answer = client.post("/api/auth/logout", headers=ada.headers)
    assert (answer.status_code, answer.get_json()) == (200, {"status": "logged_out"})
    again = client.post("/api/auth/logout", headers=ada.headers)
    assert (again.status_code, error_code(again)) == (401, "token_revoked")
    assert error_code(refresh(client, ada.login["refreshToken"])) == "refresh_token_invalid"
    assert error_code(ada.update("win-match")) == "token_revoked"


def test_a_logout_leaves_the_other_sessions_of_the_user(client: FlaskClient, ada: Player) -> None:
    other = log_in(client, "ada")
    client.post("/api/auth/logout", headers=ada.headers)
    assert status_with(other) == 404


def test_a_token_stays_dead_when_redis_is_emptied_or_replaced(
    client: FlaskClient, ada: Player, client_of_redis: Client, worker: WorkerState
) -> None:
    client.post("/api/auth/logout", headers=ada.headers)
    client_of_redis.flushall()
    assert status_with(ada) == 401
    revocations.load_recent(worker.redis, worker.engine)
    assert revocations.is_loaded(worker.redis)
    assert status_with(ada) == 401
    client_of_redis.set("sessions:loaded", "0" * 40)
    client_of_redis.delete(f"session:{session_of(worker, ada)}:revoked")
    assert status_with(ada) == 401


def test_a_token_stays_dead_while_redis_is_away(ada: Player, worker: WorkerState) -> None:
    ada.client.post("/api/auth/logout", headers=ada.headers)
    away = Revocations(redis_client.connect("redis://127.0.0.1:1/0"), worker.engine)
    assert not away.is_live(session_of(worker, ada), ada.user_id)


def test_a_live_session_is_told_by_the_database_while_redis_is_away(ada: Player, worker: WorkerState) -> None:
    away = Revocations(redis_client.connect("redis://127.0.0.1:1/0"), worker.engine)
    assert away.is_live(session_of(worker, ada), ada.user_id)


def test_a_signed_token_of_no_session_or_of_somebody_else_s_opens_nothing(
    app: Flask, ada: Player, worker: WorkerState
) -> None:
    secret = app.extensions["scoreboard"].settings.jwt_secrets[0]
    eve = register(ada.client, "eve")

    def status(user_id: str, session_id: str) -> int:
        return status_with(ada, tokens.issue(AccessClaims(user_id, session_id, "player"), secret, int(time.time())))

    session_id = session_of(worker, ada)
    assert revocations.is_loaded(worker.redis)
    for _ in range(2):  # the second time Redis may know more
        assert status(ada.user_id, session_id) == 404
        assert status(eve.user_id, session_id) == 401
        assert status(ada.user_id, str(uuid.uuid4())) == 401


def test_an_access_token_does_not_outlive_its_session(ada: Player, worker: WorkerState) -> None:
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE sessions SET expires_at = now() + interval '2 seconds'"))
    worker.redis.delete(f"session:{session_of(worker, ada)}:owner")
    assert status_with(ada) == 404
    wait_until(lambda: status_with(ada) == 401)


def test_a_revocation_that_dies_half_way_is_settled_by_the_database(ada: Player, worker: WorkerState) -> None:
    revoker = Revocations(worker.redis, worker.engine)
    revoker.announce(session_of(worker, ada))
    assert status_with(ada) == 404
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE sessions SET revoked_at = now()"))
    assert status_with(ada) == 401


def session_of(worker: WorkerState, player: Player) -> str:
    with worker.engine.connect() as connection:
        statement = text("SELECT id FROM sessions WHERE user_id = :user")
        return str(connection.execute(statement, {"user": player.user_id}).scalar_one())


def test_nothing_readable_of_a_token_is_stored(ada: Player, worker: WorkerState) -> None:
    with worker.engine.connect() as connection:
        stored = connection.execute(text("SELECT string_agg(t::text, ' ') FROM refresh_tokens t")).scalar_one()
        stored += connection.execute(text("SELECT string_agg(s::text, ' ') FROM sessions s")).scalar_one()
    for secret in ("refreshToken", "signingKey", "accessToken"):
        assert ada.login[secret] not in stored


def test_a_player_made_by_the_operator_logs_in(client: FlaskClient, ada: Player) -> None:
    assert register(client, "bob").user_id != ada.user_id
