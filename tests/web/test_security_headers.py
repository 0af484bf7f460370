"""The header fields that protect whoever opens our answers in a browser, and pages of other origins that may call."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import SettingsFactory
from web import create_app
from web.guards import security_headers

FRIEND, STRANGER = "https://game.example", "https://evil.example"
PATHS = ["/", "/docs", "/healthz", "/openapi.json", "/api/scores/leaderboard", "/api/nothing", "/static/page.css"]


@pytest.fixture
def friendly(make_settings: SettingsFactory, client: FlaskClient) -> FlaskClient:
    """A service whose operator has named another origin."""
    application = create_app(make_settings(SCOREBOARD_ALLOWED_ORIGINS=f"{FRIEND} https://other.example"))
    return application.test_client()


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_tells_browsers_what_not_to_do(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize("path", ["/api/one", "/one"])
def test_an_answer_keeps_the_fields_that_it_has_whatever_their_case(path: str) -> None:
    own = {"cache-control": "no-cache", "content-security-policy": "sandbox"}
    application = Flask(__name__)
    application.after_request(security_headers.protect)
    application.add_url_rule(path, view_func=lambda: ("", own), endpoint="own")

    headers = application.test_client().get(path).headers

    assert headers.getlist("Cache-Control") == ["no-cache"]
    assert headers.getlist("Content-Security-Policy") == ["sandbox"]
    assert headers.getlist("X-Frame-Options") == ["DENY"]


def test_behind_tls_browsers_are_told_to_stay_there(make_settings: SettingsFactory, client: FlaskClient) -> None:
    application = create_app(make_settings(SCOREBOARD_TRUSTED_PROXIES="1"))
    answer = application.test_client().get("/healthz", headers={"X-Forwarded-Proto": "https"})
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_without_a_trusted_proxy_nobody_can_say_that_it_is_tls(client: FlaskClient) -> None:
    answer = client.get("/healthz", headers={"X-Forwarded-Proto": "https"})
    assert "Strict-Transport-Security" not in answer.headers


def asked_from(client: FlaskClient, origin: str) -> TestResponse:
    return client.get("/api/scores/leaderboard", headers={"Origin": origin})


def test_a_page_of_a_named_origin_may_read_what_it_asks_for(friendly: FlaskClient) -> None:
    headers = asked_from(friendly, FRIEND).headers
    assert headers["Access-Control-Allow-Origin"] == FRIEND
    assert "Origin" in headers["Vary"]
    assert "Retry-After" in headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in headers


def test_a_page_of_a_named_origin_may_send_an_update(friendly: FlaskClient) -> None:
    asked = {
        "Origin": FRIEND,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    answer = friendly.options("/api/scores/update", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization, content-type"


def test_a_cache_keeps_what_different_origins_get_apart(friendly: FlaskClient, client: FlaskClient) -> None:
    for origin in (FRIEND, STRANGER):
        assert "Origin" in asked_from(friendly, origin).headers["Vary"]
    assert "Origin" in friendly.get("/api/scores/leaderboard").headers["Vary"]
    assert "Vary" not in client.get("/api/scores/leaderboard").headers


def test_a_page_of_any_other_origin_may_not(friendly: FlaskClient, client: FlaskClient) -> None:
    assert "Access-Control-Allow-Origin" not in asked_from(friendly, STRANGER).headers
    assert "Access-Control-Allow-Origin" not in asked_from(friendly, f"{FRIEND}.evil.example").headers
    assert "Access-Control-Allow-Origin" not in asked_from(client, FRIEND).headers
