"""Passwords: changed by who knows the old one, reset with a code of the operator, and never by anybody else."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, text
from werkzeug.test import TestResponse

from common.domain import passwords
from common.postgres import audit, reset_codes, users
from tests.command_line import CommandLine
from tests.conftest import SettingsFactory
from tests.documents import documented_application
from tests.player import PASSWORD, Player, error_code, log_in, register
from web.server import hashing
from workers.state import WorkerState

NEW = "a longer phrase of mine"


@pytest.fixture
def chief(client: FlaskClient, worker: WorkerState) -> Player:
    with worker.engine.begin() as connection:
        users.create(connection, "chief", passwords.hashed(PASSWORD), "admin")
    return log_in(client, "chief")


def change(player: Player, current: str, new: str) -> TestResponse:
    body = {"currentPassword": current, "newPassword": new}
    return player.client.post("/api/auth/password", json=body, headers=player.headers)


def reset(client: FlaskClient, username: str, code: str, password: str = NEW) -> TestResponse:
    return client.post("/api/auth/reset", json={"username": username, "code": code, "newPassword": password})


def code_for(chief: Player, user_id: str) -> str:
    answer = chief.client.post(f"/api/admin/users/{user_id}/reset-code", headers=chief.headers)
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["expiresIn"] == 3600
    return str(answer.get_json()["code"])


def is_alive(player: Player) -> bool:
    return player.client.get("/api/me", headers=player.headers).status_code == 200


def meanwhile(act: Callable[[], TestResponse]) -> int:
    """Make a request within another one, in a thread, since the two would share one context else; its status."""
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(act).result().status_code


def knows(client: FlaskClient, username: str, password: str) -> bool:
    body = {"username": username, "password": password}
    return client.post("/api/auth/login", json=body).status_code == 200


def test_a_change_keeps_this_session_and_ends_every_other(client: FlaskClient, ada: Player) -> None:
    others = [log_in(client, "ada") for _ in range(2)]
    answer = change(ada, PASSWORD, NEW)
    assert answer.get_json() == {"status": "changed", "sessionsEnded": 2}
    assert is_alive(ada)
    assert [error_code(client.get("/api/me", headers=other.headers)) for other in others] == ["token_revoked"] * 2
    assert not knows(client, "ada", PASSWORD)
    assert knows(client, "ada", NEW)


@pytest.mark.parametrize(
    ("current", "new", "code"),
    [
        ("not my password", NEW, "invalid_credentials"),
        (PASSWORD, PASSWORD, "validation_failed"),
        (PASSWORD, "short", "validation_failed"),
        (PASSWORD, "password1", "validation_failed"),
        (PASSWORD, "ada12345678", "validation_failed"),
    ],
)
def test_a_change_that_is_refused_changes_nothing(
    client: FlaskClient, ada: Player, current: str, new: str, code: str
) -> None:
    other = log_in(client, "ada")
    assert error_code(change(ada, current, new)) == code
    assert is_alive(ada)
    assert is_alive(other)
    assert knows(client, "ada", PASSWORD)


def test_a_login_that_was_checked_before_the_change_begins_no_session_after_it(
    app: Flask, client: FlaskClient, ada: Player, worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = hashing.is_password

    def check_and_then_change(password: str, *rest: Any) -> bool:  # noqa: ANN401
        is_right = check(password, *rest)
        monkeypatch.setattr(hashing, "is_password", check)
        assert meanwhile(lambda: change(Player(app.test_client(), ada.login), PASSWORD, NEW)) == 200
        return is_right

    monkeypatch.setattr(hashing, "is_password", check_and_then_change)
    answer = client.post("/api/auth/login", json={"username": "ada", "password": PASSWORD})
    assert error_code(answer) == "invalid_credentials"
    with worker.engine.connect() as connection:
        live = connection.scalar(text("SELECT count(*) FROM sessions WHERE revoked_at IS NULL"))
    assert live == 1


def test_a_code_is_good_once_and_every_session_ends(client: FlaskClient, ada: Player, chief: Player) -> None:
    code = code_for(chief, ada.user_id)
    assert reset(client, "ADA", code.lower().replace("-", " ")).get_json() == {"status": "reset"}
    assert not is_alive(ada)
    assert is_alive(chief)
    assert knows(client, "ada", NEW)
    assert error_code(reset(client, "ada", code, "yet another phrase")) == "invalid_credentials"
    assert knows(client, "ada", NEW)


def test_wrong_late_earlier_and_foreign_codes_get_the_answer_of_an_unknown_name(
    client: FlaskClient, ada: Player, chief: Player, worker: WorkerState
) -> None:
    earlier = code_for(chief, ada.user_id)
    code = code_for(chief, ada.user_id)
    late = datetime.now(UTC) - reset_codes.LIFETIME - timedelta(seconds=1)
    with worker.engine.begin() as connection:
        of_chief = reset_codes.issue(connection, chief.user_id, late)
    refused = [
        reset(client, "nobody", code),
        reset(client, "ada", "K7WQ2M-PLX4RD-9ZTB3H-AVCE5N"),
        reset(client, "ada", earlier),
        reset(client, "ada", of_chief),
        reset(client, "chief", of_chief),
    ]
    assert {(answer.status_code, answer.text) for answer in refused} == {(401, refused[0].text)}
    assert error_code(refused[0]) == "invalid_credentials"
    assert error_code(reset(client, "ada", code, "ada12345")) == "validation_failed"  # and the code is not used up
    assert is_alive(ada)
    assert reset(client, "ada", code).status_code == 200


def test_of_two_at_once_one_uses_the_code(
    app: Flask, client: FlaskClient, ada: Player, chief: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = code_for(chief, ada.user_id)
    hashed = hashing.hashed

    def hashed_behind_another(password: str, address: str) -> str:
        monkeypatch.setattr(hashing, "hashed", hashed)
        first = app.test_client()
        assert meanwhile(lambda: reset(first, "ada", code, "the first of the two")) == 200
        return hashed(password, address)

    monkeypatch.setattr(hashing, "hashed", hashed_behind_another)
    assert error_code(reset(client, "ada", code)) == "invalid_credentials"
    first = client.post("/api/auth/login", json={"username": "ada", "password": "the first of the two"})
    assert first.status_code == 200


def test_codes_are_for_admins_to_make_and_audited_without_the_code(
    client: FlaskClient, ada: Player, chief: Player, worker: WorkerState
) -> None:
    path = f"/api/admin/users/{ada.user_id}/reset-code"
    assert error_code(client.post(path, headers=ada.headers)) == "forbidden"
    assert error_code(client.post(path)) == "token_missing"
    nobody = f"/api/admin/users/{uuid.uuid4()}/reset-code"
    assert error_code(client.post(nobody, headers=chief.headers)) == "not_found"
    code = code_for(chief, ada.user_id)
    with worker.engine.connect() as connection:
        (last,) = audit.latest(connection, 1)
        stored = connection.scalar(text("SELECT encode(fingerprint, 'escape') FROM reset_codes"))
    assert (last.action, last.subject, last.details) == ("issue_reset_code", ada.user_id, {})
    assert code not in str(stored)


def without_password(connection: Connection, user_id: str) -> None:
    connection.execute(text("UPDATE users SET password_hash = NULL WHERE id = CAST(:id AS uuid)"), {"id": user_id})


def test_an_account_without_a_password_has_none_to_change(
    client: FlaskClient, ada: Player, chief: Player, worker: WorkerState
) -> None:
    with worker.engine.begin() as connection:
        without_password(connection, ada.user_id)
    answer = client.post(f"/api/admin/users/{ada.user_id}/reset-code", headers=chief.headers)
    assert (answer.status_code, error_code(answer)) == (409, "no_password")
    assert error_code(change(ada, PASSWORD, NEW)) == "no_password"
    assert not knows(client, "ada", PASSWORD)


def test_the_operator_makes_codes_and_sets_passwords(
    client: FlaskClient, ada: Player, worker: WorkerState, command_line: CommandLine
) -> None:
    code = command_line("users", "reset-code", "ada").stdout.strip()
    assert reset(client, "ada", code).status_code == 200
    ada = Player(client, client.post("/api/auth/login", json={"username": "ada", "password": NEW}).get_json())
    done = command_line("users", "set-password", "ada", "--password-stdin", stdin=b"set by the operator\n")
    assert done.stdout.strip() == "ada: the password is set; sessions ended: 1"
    assert not is_alive(ada)
    assert knows(client, "ada", "set by the operator")
    refused = command_line("users", "set-password", "ada", "--password-stdin", stdin=b"short\n")
    assert "8 to 128 characters" in refused.stderr
    with worker.engine.begin() as connection:
        without_password(connection, ada.user_id)
    for words in (("set-password", "ada"), ("reset-code", "ada")):
        assert "has no password" in command_line("users", *words).stderr


def test_a_wrong_password_at_a_change_counts_as_a_failed_login(
    make_settings: SettingsFactory, worker: WorkerState
) -> None:
    with documented_application(make_settings(SCOREBOARD_LOGIN_FAILURE_LIMIT="2/minute")) as application:
        ada = register(application.test_client(), "ada")
        codes = [error_code(change(ada, "not my password", NEW)) for _ in range(3)]
    assert codes == ["invalid_credentials", "invalid_credentials", "login_throttled"]
