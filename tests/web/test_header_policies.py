"""What holds for every route at once: methods, types and policies that no view says for itself."""

import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

PAGES = ["/", "/admin", "/dashboard", "/docs", "/nowhere"]
DOCUMENTS = ["/openapi.json", "/asyncapi.json", "/healthz", "/api/scores/leaderboard", "/api/nowhere"]
FILES = ["/static/page.css", "/static/js/main.js"]


def test_what_changes_something_is_asked_for_by_post_and_nothing_else_is(app: Flask) -> None:
    changing = {rule.rule for rule in app.url_map.iter_rules() if {"POST", "PUT"} & (rule.methods or set())}
    methods = {method for rule in app.url_map.iter_rules() for method in rule.methods or set()}
    both = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or set()) and {"POST", "PUT"} & (rule.methods or set())
    ]

    assert methods == {"GET", "HEAD", "OPTIONS", "POST", "PUT"}
    assert both == []
    assert changing == {
        "/api/achievements/grant",
        "/api/admin/achievements/<achievement_id>",
        "/api/admin/achievements/<achievement_id>/revoke",
        "/api/admin/actions/<action_id>",
        "/api/admin/boards/<board_id>",
        "/api/admin/boards/<board_id>/archive",
        "/api/admin/boards/<board_id>/close",
        "/api/admin/boards/<board_id>/disqualify",
        "/api/admin/boards/<board_id>/open",
        "/api/admin/boards/<board_id>/requalify",
        "/api/admin/boards/<board_id>/seasons/<season_id>",
        "/api/admin/boards/<board_id>/seasons/<season_id>/delete",
        "/api/admin/boards/<board_id>/seasons/<season_id>/end",
        "/api/admin/catalogue",
        "/api/admin/events/<event_id>/restore",
        "/api/admin/events/<event_id>/void",
        "/api/admin/users/<user_id>/adjust",
        "/api/admin/users/<user_id>/profile",
        "/api/admin/users/<user_id>/reinstate",
        "/api/admin/users/<user_id>/reset-code",
        "/api/admin/users/<user_id>/restore",
        "/api/admin/users/<user_id>/suspend",
        "/api/admin/users/<user_id>/void",
        "/api/auth/exchange",
        "/api/auth/login",
        "/api/auth/logout",
        "/api/auth/password",
        "/api/auth/refresh",
        "/api/auth/register",
        "/api/auth/reset",
        "/api/auth/ticket",
        "/api/me/delete",
        "/api/me/profile",
        "/api/me/visibility",
        "/api/players",
        "/api/scores/batch",
        "/api/scores/lookup",
        "/api/scores/receipts",
        "/api/scores/update",
    }


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/scores/leaderboard", "/api/auth/login"])
def test_nobody_is_shown_their_own_request(client: FlaskClient, path: str) -> None:
    answer = client.open(path, method="TRACE", headers={"X-Secret": "s3cret"})

    assert answer.status_code == 405
    assert "s3cret" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
@pytest.mark.parametrize("path", ["/api/auth/login", "/api/auth/register", "/api/auth/refresh", "/api/auth/reset"])
def test_no_form_of_another_page_can_call_what_needs_no_token(client: FlaskClient, path: str, media_type: str) -> None:
    """These are the types that a page may send to another origin without being asked first."""
    answer = client.post(path, data=json.dumps({}), content_type=media_type)

    assert (answer.status_code, answer.get_json()["error"]["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("path", PAGES + DOCUMENTS + FILES)
def test_every_answer_names_its_type_and_its_letters(client: FlaskClient, path: str) -> None:
    with client.get(path, headers={"Accept": "text/html" if path in PAGES else "*/*"}) as answer:
        content_type = answer.headers["Content-Type"]

    text = {f"text/{kind}; charset=utf-8" for kind in ("html", "css", "javascript")}
    json_is_always_utf_8 = {"application/json"}  # RFC 8259
    assert content_type in (json_is_always_utf_8 if path in DOCUMENTS else text)


@pytest.mark.parametrize("path", PAGES + DOCUMENTS + FILES)
def test_no_answer_may_load_anything_that_is_not_ours(client: FlaskClient, path: str) -> None:
    with client.get(path, headers={"Accept": "text/html" if path in PAGES else "*/*"}) as answer:
        policy = answer.headers["Content-Security-Policy"]
    directives = dict(directive.strip().partition(" ")[::2] for directive in policy.split(";"))

    assert directives["default-src"] == directives["base-uri"] == directives["frame-ancestors"] == "'none'"
    assert set(directives.values()) <= {"'none'", "'self'"}
    assert directives.get("object-src", "'none'") == "'none'"
    assert set(directives.values()) == {"'none'"} or path in PAGES


def test_no_answer_sets_a_cookie(client: FlaskClient) -> None:
    account = {"username": "ada", "password": "correct horse"}
    answers = [client.post("/api/auth/register", json=account), client.post("/api/auth/login", json=account)]

    assert [answer.status_code for answer in answers] == [201, 200]
    for answer in [*answers, *(client.get(path) for path in PAGES + DOCUMENTS)]:
        assert "Set-Cookie" not in answer.headers


def test_the_page_hides_a_password_and_lets_a_manager_fill_it_in(client: FlaskClient) -> None:
    page = client.get("/").get_data(as_text=True)
    (field,) = re.findall(r'<input id="password"[^>]*>', page)

    assert 'type="password"' in field
    assert 'autocomplete="current-password"' in field
    assert "maxlength" not in field
    assert "onpaste" not in page
