"""What guards the door apart from limits: caches, hosts, origins, roles, rotation, and a Redis that is away."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from common.postgres import sessions
from common.postgres.api_keys import create as create_api_key
from common.postgres.api_keys import current_secret
from common.services import revocations
from dev.harness.servers import Servers
from tests.chaos.installation import through
from tests.chaos.proxy import Proxy
from tests.conftest import REDIS_DATABASE, SettingsFactory
from tests.documents import documented_application
from tests.game_server import GameServer, item
from tests.inbox import add_users
from tests.player import Player, error_code, log_in, register
from workers import maintenance
from workers.state import WorkerState

OLD, NEW = "the-old-server-secret-of-tests-0123", "the-new-server-secret-of-tests-4567"


@contextmanager
def client_of(make_settings: SettingsFactory, **environment: str) -> Iterator[FlaskClient]:
    with documented_application(make_settings(**environment)) as application:
        yield application.test_client()


def test_every_answer_below_api_says_what_a_cache_may_do(app: Flask, ada: Player) -> None:
    """Whatever its status: each route is asked with what it has to refuse, and some with what they take."""
    client = app.test_client()
    answers = [ada.update("share", prefer="respond-async"), client.post("/api/auth/ticket", headers=ada.headers)]
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            path = re.sub(r"<[^>]*>", "0", rule.rule)
            answers += [client.open(path, method=method) for method in sorted(rule.methods or ())]
    answers += [client.get("/api/nowhere"), client.get("/api/scores/leaderboard")]
    assert [answer.request.path for answer in answers if not answer.headers.get("Cache-Control")] == []
    assert answers[-1].headers["Cache-Control"] == "public, no-cache"


def test_what_has_a_token_in_it_is_kept_by_no_cache(client: FlaskClient, ada: Player) -> None:
    body = {"username": "ada", "password": "correct horse"}
    login = client.post("/api/auth/login", json=body)
    refreshed = client.post("/api/auth/refresh", json={"refreshToken": login.get_json()["refreshToken"]})
    ticket = client.post("/api/auth/ticket", headers=ada.headers)
    assert [each.headers["Cache-Control"] for each in (login, refreshed, ticket)] == ["no-store"] * 3


@pytest.mark.parametrize(
    ("host", "status"),
    [("scores.example", 200), ("Scores.Example:8443", 200), ("[2001:db8::1]:80", 200), ("evil.example", 400),
     ("scores.example.evil.example", 400), ("2001:db8::1", 400)],
)  # fmt: skip
def test_only_named_hosts_are_answered(
    make_settings: SettingsFactory, worker: WorkerState, host: str, status: int
) -> None:
    with client_of(make_settings, SCOREBOARD_ALLOWED_HOSTS="scores.example [2001:db8::1]") as client:
        for path in ("/api/scores/leaderboard", "/"):
            assert client.get(path, headers={"Host": host}).status_code == status
        assert client.get("/healthz", headers={"Host": "10.0.0.7:8000"}).status_code == 200


def test_without_a_list_any_host_is_answered(client: FlaskClient) -> None:
    assert client.get("/api/scores/leaderboard", headers={"Host": "anything.example"}).status_code == 200


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        ("http://[2001:db8::1]:8080", True),
        ("http://2", False),
        ("http://d", False),
        ("http://[2001:db8::1]:80801", False),
    ],
)
def test_an_ipv6_origin_is_no_pattern(
    make_settings: SettingsFactory, worker: WorkerState, origin: str, *, is_allowed: bool
) -> None:
    with client_of(make_settings, SCOREBOARD_ALLOWED_ORIGINS="http://[2001:db8::1]:8080") as client:
        answer = client.get("/api/scores/leaderboard", headers={"Origin": origin})
        assert answer.headers.get("Access-Control-Allow-Origin") == (origin if is_allowed else None)


def test_a_role_that_was_taken_away_is_gone_at_once(client: FlaskClient, worker: WorkerState, ada: Player) -> None:
    def set_role(role: str) -> None:
        with worker.engine.begin() as connection:
            connection.execute(text("UPDATE users SET role = :role WHERE username = 'ada'"), {"role": role})

    bob = register(client, "bob")
    set_role("admin")
    admin = log_in(client, "ada")
    path = f"/api/admin/users/{bob.user_id}/suspend"
    assert client.post(path, headers=admin.headers).status_code == 200
    set_role("player")
    refused = client.post(path.replace("suspend", "reinstate"), headers=admin.headers)
    assert (refused.status_code, error_code(refused)) == (403, "forbidden")


def test_the_server_secret_changes_without_anybody_noticing(
    make_settings: SettingsFactory, worker: WorkerState
) -> None:
    bob = add_users(worker.engine, 1)[0]
    tokens = "the-jwt-secret-that-stays-as-it-is-0"
    with client_of(make_settings, SCOREBOARD_SECRET_KEY=OLD, SCOREBOARD_JWT_SECRET=tokens) as client:
        ada = register(client, "ada")
        with worker.engine.begin() as connection:
            key = create_api_key(connection, "a game server")
        secret = current_secret(key, OLD.encode())
        lost = client.post("/api/auth/refresh", json={"refreshToken": ada.login["refreshToken"]}).get_json()
        assert ada.update("share", prefer="respond-async").status_code == 202
    rotated = {"SCOREBOARD_SECRET_KEY": NEW, "SCOREBOARD_SECRET_KEY_PREVIOUS": OLD, "SCOREBOARD_JWT_SECRET": tokens}
    with client_of(make_settings, **rotated) as client:
        ada.client = client
        assert ada.update("share", prefer="respond-async").status_code == 202
        assert GameServer(client, key.id, secret).send(item(bob)).status_code == 202
        again = client.post("/api/auth/refresh", json={"refreshToken": ada.login["refreshToken"]})
        assert again.status_code == 200
        assert again.get_json()["refreshToken"] == lost["refreshToken"], "the successor that was handed out"
        renewed = Player(client, again.get_json())
        assert renewed.login["signingKey"] != ada.login["signingKey"]
        assert renewed.update("share", prefer="respond-async").status_code == 202
        assert ada.update("share", prefer="respond-async").status_code == 202, "both keys sign for a while"
    with client_of(make_settings, SCOREBOARD_SECRET_KEY=NEW, SCOREBOARD_JWT_SECRET=tokens) as client:
        ada.client = renewed.client = client
        assert error_code(ada.update("share")) == "signature_invalid"
        assert renewed.update("share", prefer="respond-async").status_code == 202


def test_who_logs_out_while_redis_is_away_is_logged_out_also_when_it_is_back_as_it_was(
    make_settings: SettingsFactory, worker: WorkerState, servers: Servers, proxy: Proxy
) -> None:
    by_way_of_the_proxy = {"REDIS_URL": through(servers.redis_url(REDIS_DATABASE), proxy)}
    with client_of(make_settings, **by_way_of_the_proxy) as client:
        ada = register(client, "ada")
        assert client.post("/api/auth/ticket", headers=ada.headers).status_code == 200
        proxy.manner.is_silent = True
        assert client.post("/api/auth/logout", headers=ada.headers).get_json() == {"status": "logged_out"}
        refused = client.get("/api/scores/updates/unused-key", headers=ada.headers)
        assert (refused.status_code, error_code(refused)) == (401, "token_revoked")
        proxy.manner.is_silent = False
        maintenance.repair(worker)
        refused = client.post("/api/auth/ticket", headers=ada.headers)
        assert (refused.status_code, error_code(refused)) == (401, "token_revoked")
        session_ids = worker.redis.keys("session:*:revoked")
        assert [worker.redis.get(key) for key in session_ids] == ["1"]


def test_a_server_is_told_once_of_what_it_missed(client: FlaskClient, worker: WorkerState, ada: Player) -> None:
    revocations.catch_up(worker.redis, worker.engine)
    with worker.engine.begin() as connection:
        (session_id,) = sessions.live_of(connection, ada.user_id, datetime.now(UTC))
        sessions.revoke(connection, session_id, "logout")
    for _ in range(2):
        revocations.catch_up(worker.redis, worker.engine)
        assert worker.redis.get(f"session:{session_id}:revoked") == "1"


@pytest.mark.parametrize(
    ("peer", "trusted", "warnings"), [("10.0.0.7", "0", 1), ("8.8.8.8", "0", 0), ("10.0.0.7", "1", 0)]
)
def test_a_proxy_that_nobody_has_counted_is_told_once(
    make_settings: SettingsFactory, worker: WorkerState, peer: str, trusted: str, warnings: int
) -> None:
    with (
        client_of(make_settings, SCOREBOARD_TRUSTED_PROXIES=trusted) as client,
        structlog.testing.capture_logs() as lines,
    ):
        for _ in range(3):
            client.get("/healthz", headers={"X-Forwarded-For": "203.0.113.9"}, environ_base={"REMOTE_ADDR": peer})
    assert [line["event"] for line in lines].count("forwarded_for_not_believed") == warnings
