"""Requests of admins count per admin, so that a dashboard takes nothing from those behind the same address."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from common.core.settings import Settings
from tests.conftest import BOTH_WAYS, SettingsFactory
from tests.documents import documented_application
from tests.player import Player, error_code, register
from workers.state import WorkerState

READS = ["/api/scores/leaderboard", "/api/scores/user/{user_id}", "/api/scores/snapshots"]


@pytest.fixture
def settings_of_web(make_settings: SettingsFactory) -> Settings:
    return make_settings(SCOREBOARD_IP_LIMIT="6/hour", SCOREBOARD_ADMIN_LIMIT="4/hour")


@pytest.fixture
def admin(web: FlaskClient, worker: WorkerState) -> Player:
    """An admin who has registered and logged in twice: that took three requests of the address."""
    player = register(web, "grace")
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE users SET role = 'admin' WHERE id = :id"), {"id": player.user_id})
    login = web.post("/api/auth/login", json={"username": "grace", "password": "correct horse"})
    return Player(web, login.get_json())


@BOTH_WAYS
@pytest.mark.parametrize("path", READS)
def test_an_admin_counts_as_the_admin_and_not_as_the_address(web: FlaskClient, admin: Player, path: str) -> None:
    address = path.format(user_id=admin.user_id)
    assert [web.get(address, headers=admin.headers).status_code for _ in range(4)] == [200] * 4
    refused = web.get(address, headers=admin.headers)
    assert (refused.status_code, error_code(refused)) == (429, "rate_limited")
    assert refused.headers["X-RateLimit-Limit"] == "4"
    assert "admin" in refused.get_json()["error"]["message"]
    assert [web.get(address).status_code for _ in range(4)] == [200, 200, 200, 429]


@BOTH_WAYS
def test_a_session_that_has_ended_counts_as_the_address(web: FlaskClient, admin: Player) -> None:
    assert web.post("/api/auth/logout", headers=admin.headers).status_code == 200
    answers = [web.get(READS[0], headers=admin.headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].headers["X-RateLimit-Limit"] == "6"


def test_the_limits_of_a_player_are_not_those_of_an_admin(settings_of_web: Settings, worker: WorkerState) -> None:
    with documented_application(settings_of_web) as application:
        client = application.test_client()
        ada = register(client, "ada")
        answers = [client.get(READS[0], headers=ada.headers) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200] * 4 + [429]
