"""What the log tells of those who come in and of those who are kept out; and what it never tells."""

import time
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.conftest import SettingsFactory
from tests.documents import documented_application
from tests.player import PASSWORD, Player, register
from web.guards.refusal_log import WATCHED

TYPED_INTO_THE_WRONG_FIELD = "my-secret-passphrase"


@pytest.fixture
def strict(make_settings: SettingsFactory) -> Iterator[FlaskClient]:
    """A service that throttles after one failure."""
    with documented_application(make_settings(SCOREBOARD_LOGIN_FAILURE_LIMIT="1/minute")) as application:
        yield application.test_client()


def events(lines: list[EventDict], name: str) -> list[dict[str, object]]:
    """The fields of each line of this event."""
    return [
        {key: value for key, value in line.items() if key not in ("event", "log_level")}
        for line in lines
        if line["event"] == name
    ]


def log_in(client: FlaskClient, username: str, password: str) -> int:
    return client.post("/api/auth/login", json={"username": username, "password": password}).status_code


def test_a_failed_login_names_a_known_account_by_its_id_and_never_what_was_typed(
    client: FlaskClient, ada: Player
) -> None:
    with capture_logs() as lines:
        assert log_in(client, "ADA", "a wrong one") == 401
        assert log_in(client, TYPED_INTO_THE_WRONG_FIELD, PASSWORD) == 401

    assert events(lines, "login_failed") == [{"user_id": ada.user_id}, {"user_id": None}]
    assert TYPED_INTO_THE_WRONG_FIELD not in str(lines)
    assert PASSWORD not in str(lines)


def test_who_registers_comes_in_and_leaves_is_told_by_id_alone(client: FlaskClient) -> None:
    with capture_logs() as lines:
        ada = register(client, "ada")
        client.post("/api/auth/logout", headers=ada.headers)

    assert events(lines, "registered") == [{"user_id": ada.user_id}]
    ((came_in),), ((left),) = events(lines, "logged_in"), events(lines, "logged_out")
    assert came_in == left
    assert came_in["user_id"] == ada.user_id
    assert PASSWORD not in str(lines)


def test_a_refresh_is_told(client: FlaskClient, ada: Player) -> None:
    with capture_logs() as lines:
        client.post("/api/auth/refresh", json={"refreshToken": ada.login["refreshToken"]})
        client.post("/api/auth/refresh", json={"refreshToken": "x" * 43})

    ((refreshed),) = events(lines, "refreshed")
    assert refreshed["user_id"] == ada.user_id
    assert events(lines, "access_refused") == [refused("refresh_token_invalid")]
    assert ada.login["refreshToken"] not in str(lines)


def test_a_throttled_login_is_told(strict: FlaskClient) -> None:
    register(strict, "grace")
    with capture_logs() as lines:
        statuses = [log_in(strict, "grace", "a wrong one") for _ in range(2)]

    assert statuses == [401, 429]
    assert events(lines, "access_refused") == [refused("login_throttled")]


def test_a_refused_api_key_is_told_by_an_id_that_has_the_form_of_one(client: FlaskClient) -> None:
    known_form = f"sbk_{'0' * 20}"
    with capture_logs() as lines:
        for offered in (known_form, TYPED_INTO_THE_WRONG_FIELD):
            headers = {"X-Api-Key": offered, "X-Signature": f"t={int(time.time())},v1={'0' * 64}"}
            assert client.post("/api/scores/batch", json={"updates": []}, headers=headers).status_code == 401

    assert events(lines, "access_refused") == [
        refused("api_key_invalid", api_key=known_form),
        refused("api_key_invalid"),
    ]


def test_somebody_who_may_not_is_told_by_id(client: FlaskClient, ada: Player) -> None:
    with capture_logs() as lines:
        client.post(f"/api/admin/users/{ada.user_id}/suspend", json={}, headers=ada.headers)
        ada.send({**ada.claim(), "userId": "00000000-0000-4000-8000-000000000000"})
        ada.send({**ada.claim(), "signature": "0" * 64})

    codes = ["forbidden", "user_mismatch", "signature_invalid"]
    assert events(lines, "access_refused") == [refused(code, user_id=ada.user_id) for code in codes]


def test_an_answer_that_nobody_looks_for_has_no_line_of_its_own(client: FlaskClient) -> None:
    with capture_logs() as lines:
        client.get("/api/nowhere")
        client.post("/api/auth/logout")

    assert events(lines, "access_refused") == []
    assert len(WATCHED) == 8


def refused(code: str, *, user_id: str | None = None, api_key: str | None = None) -> dict[str, object]:
    return {"code": code, "user_id": user_id, "api_key": api_key}
