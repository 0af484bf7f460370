"""The documents: valid by their own standards, complete, and true to what the code says and sends."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from jsonschema import Draft7Validator
from openapi_spec_validator import validate

from common.contract.errors import ErrorCode
from common.domain.achievements import Achievement, AchievementKind, Unlock
from common.domain.entries import BoardHead, Entry, Place
from tests.documents import Document, DocumentedApi, DocumentedMessages, detached_application, problems_of_value
from tests.unit.test_live_frames import messages
from web.guards.errors import STATUS_OF
from web.live import frames
from web.reference.documented import documentation_of
from web.reference.prose import TAGS
from web.reference.renderer import ON_ANY_REQUEST

ASYNCAPI_SCHEMA = Path(__file__).with_name("asyncapi-3.0.0.json")
ADA = "3f2b8c1e-5d4a-4c3b-9a2e-7f6d5c4b3a21"
WINS = Achievement("ten-wins", "Ten wins", AchievementKind.COUNT, actions=("win-match",), goal=10)
UNDOCUMENTED = {
    "pages.home",
    "pages.board_page",
    "pages.list_of_boards",
    "player_page.player",
    "admin_page.admin",
    "dashboard_page.dashboard",
    "branding.logo",
    "branding.accent",
    "pictures.picture",
    "assets.static",
}
"""Pages for people, which promise nothing to programs."""

OF_BATCH_ITEMS = {
    ErrorCode.ACTION_NOT_ALLOWED,
    ErrorCode.VALUE_OUT_OF_RANGE,
    ErrorCode.UNKNOWN_ACHIEVEMENT,
    ErrorCode.NOT_GRANTABLE,
}
"""Told of an update or a grant within the answer to many."""


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    """One for all of these tests, which write nothing."""
    with detached_application() as application:
        yield application


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def http(client: FlaskClient) -> Document:
    document: Document = client.get("/openapi.json").get_json()
    return document


@pytest.fixture
def live(client: FlaskClient) -> Document:
    document: Document = client.get("/asyncapi.json").get_json()
    return document


def operations(http: Document) -> Iterator[tuple[str, Document]]:
    for methods in http["paths"].values():
        for operation in methods.values():
            yield operation["operationId"], operation


def examples_in(http: Document) -> Iterator[tuple[str, Any, Any]]:
    """Every example in the document with its place and its schema."""
    for name, operation in operations(http):
        for status, response in operation["responses"].items():
            yield from _examples_of_body(f"{name} {status}", response)
        yield from _examples_of_body(f"{name} body", operation.get("requestBody", {}))
        for parameter in operation["parameters"]:
            if "$ref" not in parameter:
                yield f"{name} {parameter['name']}", parameter["schema"], parameter["example"]
    for described in (http["components"]["headers"], http["components"]["parameters"]):
        yield from ((name, each["schema"], each["example"]) for name, each in described.items())


def _examples_of_body(place: str, described: Document) -> Iterator[tuple[str, Any, Any]]:
    for content in described.get("content", {}).values():
        for case, example in content["examples"].items():
            yield f"{place} {case}", content["schema"], example["value"]


# -- valid -------------------------------------------------------------------------------------------------------------


def test_the_document_is_openapi(http: Document) -> None:
    validate(http)
    assert http["openapi"].startswith("3.1.")


def test_the_document_of_the_socket_is_asyncapi(live: Document) -> None:
    validator = Draft7Validator(json.loads(ASYNCAPI_SCHEMA.read_text()))
    assert [error.message for error in validator.iter_errors(live)] == []
    assert live["asyncapi"].startswith("3.")


@pytest.mark.parametrize("path", ["/openapi.json", "/asyncapi.json"])
def test_every_reference_in_a_document_leads_somewhere(client: FlaskClient, path: str) -> None:
    document = client.get(path).get_json()
    for reference in set(re.findall(r'"\$ref": ?"#/([^"]+)"', json.dumps(document))):
        part = document
        for step in reference.split("/"):
            assert step in part, reference
            part = part[step]


def test_every_example_fits_its_schema(http: Document, live: Document) -> None:
    problems = {place: problems_of_value(http, schema, value) for place, schema, value in examples_in(http)}
    assert {place: found for place, found in problems.items() if found} == {}
    described = DocumentedMessages(live)
    shown = [each["payload"] for name in described.names for each in live["components"]["messages"][name]["examples"]]
    assert [described.problems_of(example) for example in shown] == [[]] * len(described.names)


def test_every_bound_is_said_in_the_words_of_json_schema(http: Document, live: Document) -> None:
    written = json.dumps([http, live])
    assert not re.findall(r'"(?:ge|le|gt|lt|min_length|max_length)":', written)
    limit = next(
        each for each in http["paths"]["/api/scores/leaderboard"]["get"]["parameters"] if each.get("name") == "limit"
    )
    assert (limit["schema"]["minimum"], limit["schema"]["maximum"], limit["schema"]["default"]) == (1, 100, 10)


# -- complete ----------------------------------------------------------------------------------------------------------


def test_every_route_is_documented(app: Flask) -> None:
    silent = {
        rule.endpoint for rule in app.url_map.iter_rules() if not documentation_of(app.view_functions[rule.endpoint])
    }
    assert silent == UNDOCUMENTED


def test_every_answer_has_an_example_and_every_operation_a_summary(http: Document) -> None:
    for name, operation in operations(http):
        assert operation["summary"], name
        assert operation["tags"][0] in {tag for tag, _ in TAGS.values()}, name
        for status, response in operation["responses"].items():
            bodies = response.get("content", {}).values()
            assert bodies or status in {"101", "304"}, (name, status)
            assert all(content["examples"] for content in bodies), (name, status)
            assert "X-Request-ID" in response["headers"], (name, status)


def test_every_operation_has_a_name_of_its_own(http: Document) -> None:
    names = [name for name, _ in operations(http)]
    assert len(names) == len(set(names))


def test_every_code_stands_under_its_status(http: Document) -> None:
    met: set[str] = set()
    for name, operation in operations(http):
        for status, response in operation["responses"].items():
            if status >= "400":
                codes = response["content"]["application/json"]["examples"].keys() - {"example"}  # of a whole answer
                assert {STATUS_OF[ErrorCode(code)] for code in codes} == {int(status)}, name
                met |= set(codes)
    assert met == set(ErrorCode) - OF_BATCH_ITEMS


def test_what_any_request_may_get_stands_with_every_route(http: Document) -> None:
    assert all(set(operation["responses"]) >= ON_ANY_REQUEST for _, operation in operations(http))


@pytest.mark.parametrize(
    ("path", "method", "codes"),
    [
        (
            "/api/auth/login",
            "post",
            {"rate_limited", "login_throttled", "invalid_credentials", "unsupported_media_type"},
        ),
        ("/api/auth/logout", "post", {"token_missing", "token_revoked", "rate_limited", "dependency_unavailable"}),
        ("/api/scores/batch", "post", {"dependency_unavailable", "outcome_unknown"}),
        ("/api/scores/user/{userId}", "get", {"validation_failed", "unknown_board", "not_found"}),
        ("/ws/scoreboard", "get", {"upgrade_required", "too_many_connections", "origin_not_allowed"}),
    ],
)
def test_guards_and_parsing_tell_their_errors(http: Document, path: str, method: str, codes: set[str]) -> None:
    responses = http["paths"][path][method]["responses"].values()
    listed = {
        code for each in responses for code in each.get("content", {}).get("application/json", {}).get("examples", {})
    }
    assert codes <= listed


def test_only_guarded_routes_ask_for_a_token(http: Document) -> None:
    asking = {name for name, operation in operations(http) if {"accessToken": []} in operation["security"]}
    assert asking >= {"logOut", "updateScore", "readUpdate", "issueTicket"}
    for name, operation in operations(http):
        assert ("token_expired" in json.dumps(operation["responses"])) == (name in asking), name


def test_a_body_may_be_left_out_where_no_field_of_it_is_required(http: Document) -> None:
    optional = [
        operation["operationId"]
        for path in http["paths"].values()
        for operation in path.values()
        if not operation.get("requestBody", {"required": True})["required"]
    ]
    of_accounts = ["changeProfile", "deleteMe", "suspendUser", "reinstateUser", "moderateProfile"]
    of_the_catalogue = ["putBoard", "putAction", "openBoard", "closeBoard", "archiveBoard"]
    assert optional == [*of_accounts, *of_the_catalogue, "endSeason", "deleteSeason"]


def test_a_query_that_may_be_left_out_is_never_null(http: Document) -> None:
    for name, operation in operations(http):
        for parameter in operation["parameters"]:
            assert "null" not in json.dumps(parameter), name


# -- true --------------------------------------------------------------------------------------------------------------


def test_every_frame_of_the_hub_is_as_documented(live: Document) -> None:
    described = DocumentedMessages(live)
    ada = Entry(ADA, "ada", 125, 1, 1_700_000_000_123)
    one, two = BoardHead("e", 1, 1_700_000_000_123, 1, ()), BoardHead("e", 2, 1_700_000_000_456, 1, (ada,))
    made = [
        frames.snapshot("main", "all", 10, two),
        frames.delta(one, two) or b"",
        frames.resumed(two),
        frames.rollover("main", "2026-W48"),
        frames.me(Place(ADA, "ada", 1, ada), 7, 2),
        frames.me(Place(ADA, "ada", 1, None), None, 2),
        frames.achievements([WINS.id]),
        frames.achievement(Unlock(ADA, WINS.id, "2026-W48", 1_700_000_000_123), WINS),
        frames.HEARTBEAT,
    ]
    sent = [message for frame in made for message in messages(frame)]
    assert [problem for message in sent for problem in described.problems_of(message)] == []
    assert {message["type"] for message in sent} == described.names


def test_the_checks_of_these_tests_notice_what_is_wrong(live: Document) -> None:
    described = DocumentedMessages(live)
    assert described.problems_of({"type": "hb", "surprise": 1})
    assert described.problems_of({"type": "resumed", "epoch": "e"})
    assert described.problems_of({"type": "nonsense"})


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Response("{}", 418, mimetype="application/json"), "which is not documented"),
        (Response('{"status": "ok"}', 200, mimetype="application/json"), "the header X-Request-ID is missing"),
        (Response('{"status": "ok", "more": 1}', 200, mimetype="application/json"), "'more' was unexpected"),
        (Response('{"status": "well"}', 200, mimetype="application/json"), "'ok' was expected"),
        (Response("ok", 200, mimetype="text/plain"), "the type text/plain is not documented"),
    ],
)
def test_the_checks_of_all_tests_notice_an_answer_that_is_not_documented(
    http: Document, answer: Response, problem: str
) -> None:
    assert problem in " ".join(DocumentedApi(http).problems_of("readHealth", answer))


# -- the page ----------------------------------------------------------------------------------------------------------


def test_the_page_shows_every_operation_message_and_error(client: FlaskClient, http: Document, live: Document) -> None:
    answer = client.get("/docs")
    assert answer.mimetype == "text/html"
    page = answer.get_data(as_text=True)
    anchors = set(re.findall(r' id="([^"]+)"', page))
    assert {name for name, _ in operations(http)} <= anchors
    assert {f"message-{name}" for name in live["components"]["messages"]} <= anchors
    assert {f"error-{code.replace('_', '-')}" for code in ErrorCode} <= anchors
    assert set(re.findall(r' href="#([^"]+)"', page)) <= anchors


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere(client: FlaskClient) -> None:
    answer = client.get("/docs")
    page = answer.get_data(as_text=True)
    assert re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL) == [""]
    assert " style=" not in page
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    addresses = re.findall(r'(?:src|href)="([^"#]+)"', page)
    assert len(addresses) > len(set(addresses)) > 4
    assert all(address.startswith("./") for address in addresses)
    for address in set(addresses) - {"./"}:
        with client.get(address.removeprefix(".")) as asset:
            assert asset.status_code == 200, address


@pytest.mark.parametrize("path", ["/openapi.json", "/asyncapi.json", "/docs"])
def test_a_document_is_confirmed_while_it_has_not_changed(client: FlaskClient, path: str) -> None:
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
