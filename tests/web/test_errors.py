"""One shape for everything that is not a success, whoever refuses."""

import io

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkSize

from common.contract.errors import MAX_PROBLEMS
from dev.harness.waiting import wait_until
from tests.conftest import SettingsFactory
from tests.documents import documented_application
from tests.game_server import game_server
from tests.player import Player, error_code
from web.guards import limits
from workers.state import WorkerState


@pytest.mark.parametrize(
    "path",
    ["/api/nowhere", "/api//scores/leaderboard", "//api/scores/leaderboard", "/api/scores/updates/%2F%2Fa-long-key"],
)
def test_an_address_that_nobody_serves(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, error_code(answer)) == (404, "not_found")


def test_a_method_that_a_view_does_not_have_names_those_it_has(client: FlaskClient) -> None:
    answer = client.delete("/api/auth/login")
    assert (answer.status_code, error_code(answer)) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_type(client: FlaskClient, content_type: str) -> None:
    answer = client.post("/api/auth/login", data=b"{}", content_type=content_type)
    assert (answer.status_code, error_code(answer)) == (415, "unsupported_media_type")


def test_a_body_that_is_too_large(client: FlaskClient) -> None:
    answer = client.post("/api/auth/login", data=b"x" * 20_000, content_type="application/json")
    assert (answer.status_code, error_code(answer)) == (413, "body_too_large")


@pytest.mark.parametrize(("size", "code"), [(16 * 1024, "invalid_json"), (16 * 1024 + 1, "body_too_large")])
def test_a_chunked_body_has_the_same_limit(client: FlaskClient, size: int, code: str) -> None:
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    answer = client.post(
        "/api/auth/login",
        input_stream=io.BytesIO(b"x" * size),
        content_type="application/json",
        environ_overrides=chunked,
    )
    assert error_code(answer) == code


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"username": NaN}', b"\xff", b'{"a": 1, "a": 2}'])
def test_a_body_that_is_not_strict_json(client: FlaskClient, body: bytes) -> None:
    answer = client.post("/api/auth/login", data=body, content_type="application/json")
    assert (answer.status_code, error_code(answer)) == (400, "invalid_json")


@pytest.mark.parametrize("has_key", [False, True])
@pytest.mark.parametrize("error", [InvalidChunkSize(b"zz"), ChunkMissingTerminator(b"zz")])
def test_a_body_whose_chunks_are_none_is_refused_and_leaves_the_limits_where_they_are(
    app: Flask, worker: WorkerState, error: Exception, *, has_key: bool
) -> None:
    class Broken(io.BytesIO):
        def readinto(self, buffer: object) -> int:
            raise error

    client = app.test_client()
    secret_key = worker.settings.secret_key.get_secret_value()
    headers = game_server(client, worker.engine, secret_key).headers(b"") if has_key else {}
    answer = client.post(
        "/api/scores/batch" if has_key else "/api/auth/login",
        input_stream=Broken(),
        content_type="application/json",
        headers=headers,
        environ_overrides={"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True},
    )
    assert (answer.status_code, error_code(answer)) == (400, "invalid_json")
    assert not limits._per_address._storage_dead


@pytest.mark.parametrize("name", ["Range", "If-Range", "If-Match", "If-Unmodified-Since"])
@pytest.mark.parametrize("path", ["/api/scores/leaderboard", "/openapi.json", "/docs", "/static/page.css"])
def test_parts_and_conditions_of_writes_are_not_asked_for(client: FlaskClient, path: str, name: str) -> None:
    answer = client.get(path, headers={name: "bytes=99999999-" if "Range" in name else '"x"'})
    assert answer.status_code == 200
    answer.close()


def test_an_answer_names_some_of_a_thousand_problems(client: FlaskClient) -> None:
    answer = client.post("/api/auth/login", json={f"field-{number}": 0 for number in range(1000)})
    assert error_code(answer) == "validation_failed"
    assert len(answer.get_json()["error"]["details"]["fields"]) == MAX_PROBLEMS


def test_a_charset_beside_the_type_is_fine(client: FlaskClient) -> None:
    answer = client.post("/api/auth/login", data=b"{}", content_type="application/json; charset=utf-8")
    assert error_code(answer) == "validation_failed"


def test_an_unexpected_error_says_nothing_of_the_inside(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(app.extensions["scoreboard"].leaderboard, "page", explode)
    answer = app.test_client().get("/api/scores/leaderboard")
    assert (answer.status_code, error_code(answer)) == (500, "internal_error")
    assert "secret" not in answer.text


def test_a_dependency_that_is_away_is_a_503_and_nothing_is_half_done(
    app: Flask, ada: Player, worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(app.extensions["scoreboard"].inbox, "accept", away)
    monkeypatch.setattr("web.lane.updates.UpdateLane._take", away)
    answer = ada.update("win-match")
    assert (answer.status_code, error_code(answer)) == (503, "dependency_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert worker.inbox.depth() == 0


def test_without_postgresql_the_answer_is_a_503(make_settings: SettingsFactory, worker: WorkerState) -> None:
    with documented_application(make_settings(DATABASE_URL="postgresql://127.0.0.1:1/none")) as application:
        answer = application.test_client().post("/api/auth/login", json={"username": "ada", "password": "x"})
        assert (answer.status_code, error_code(answer)) == (503, "dependency_unavailable")


def test_without_redis_lists_come_from_the_database(make_settings: SettingsFactory, worker: WorkerState) -> None:
    with documented_application(make_settings(REDIS_URL="redis://127.0.0.1:1/0")) as application:
        assert application.test_client().get("/api/scores/leaderboard").status_code == 200


@pytest.mark.parametrize(("offered", "is_kept"), [("abcdefgh-1", True), ("short", False), ("has space 123", False)])
def test_a_request_id_is_kept_if_it_is_one_and_made_if_not(client: FlaskClient, offered: str, *, is_kept: bool) -> None:
    echoed = client.get("/healthz", headers={"X-Request-ID": offered}).headers["X-Request-ID"]
    assert (echoed == offered) is is_kept
    assert len(echoed) >= 8


def test_readiness_names_the_part_that_is_missing(client: FlaskClient, worker: WorkerState) -> None:
    assert client.get("/readyz").status_code == 200
    worker.redis.delete("scores:worker")
    wait_until(lambda: client.get("/readyz").status_code == 503)
    answer = client.get("/readyz")
    assert (answer.status_code, error_code(answer)) == (503, "dependency_unavailable")
    assert answer.get_json()["error"]["details"]["parts"]["worker"] == "missing"


def test_a_redis_that_is_full_is_named(client: FlaskClient, worker: WorkerState) -> None:
    worker.redis.config_set("maxmemory", "1")
    try:
        answer = client.get("/readyz")
    finally:
        worker.redis.config_set("maxmemory", "0")
    assert (answer.status_code, answer.get_json()["error"]["details"]["parts"]["redis"]) == (503, "away")


def test_health_asks_nobody(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}


def test_metrics_are_not_public(client: FlaskClient) -> None:
    assert client.get("/metrics").status_code == 404
