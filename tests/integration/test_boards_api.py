"""Boards and actions by the API: who may change them, what is refused, and who may see a board on every read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from common.core.timestamps import format_instant
from common.domain.permissions import Permissions, Scope
from common.postgres import snapshots
from tests.game_server import GameServer, game_server
from tests.player import Player, error_code, log_in, register
from workers.state import WorkerState

LAPS: dict[str, Any] = {
    "title": "Monza, best lap",
    "category": "laps",
    "rule": "lowest",
    "periods": ["all", "weekly"],
    "format": {"kind": "duration", "unit": "ms"},
}
LAP: dict[str, Any] = {"value": {"min": 20000, "max": 600000}, "boards": ["lap-monza"]}


@pytest.fixture
def chief(web: FlaskClient, worker: WorkerState) -> Iterator[Player]:
    register(web, "chief")
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE users SET role = 'admin' WHERE username = 'chief'"))
    yield log_in(web, "chief")  # whose token says so too


@pytest.fixture
def ada(web: FlaskClient) -> Player:
    return register(web, "ada")


def put(player: Player, path: str, body: object) -> Any:  # noqa: ANN401
    return player.client.put(f"/api/admin/{path}", json=body, headers=player.headers)


def post(player: Player, path: str, body: object = None) -> Any:  # noqa: ANN401
    return player.client.post(f"/api/admin/{path}", json={} if body is None else body, headers=player.headers)


def test_a_board_is_made_read_and_changed(chief: Player, web: FlaskClient) -> None:
    made = put(chief, "boards/lap-monza", LAPS)
    assert made.status_code == 201
    board = web.get("/api/boards/lap-monza").get_json()
    assert board == made.get_json()
    assert (board["order"], board["state"], board["revision"], board["archived"]) == ("ascending", "open", 1, False)
    assert board["current"][0] == {"period": "all", "endsAt": None}
    assert put(chief, "boards/lap-monza", LAPS).get_json() == board
    again = put(chief, "boards/lap-monza", {**LAPS, "title": "Monza", "boardId": "lap-monza", "revision": 1})
    assert (again.status_code, again.get_json()["revision"], again.get_json()["title"]) == (200, 2, "Monza")
    assert put(chief, "boards/lap-monza", {}).get_json()["title"] == "", "what is left out has its default"


def test_of_two_who_change_a_board_the_second_is_told(chief: Player) -> None:
    put(chief, "boards/lap-monza", LAPS)
    put(chief, "boards/lap-monza", {"title": "One", "revision": 1})
    late = put(chief, "boards/lap-monza", {"title": "Two", "revision": 1})
    assert (late.status_code, error_code(late)) == (409, "catalogue_changed")
    assert late.get_json()["error"]["details"] == {"revision": 2}


def test_an_action_is_made_and_changed_by_versions(chief: Player) -> None:
    put(chief, "boards/lap-monza", LAPS)
    made = put(chief, "actions/lap", LAP)
    assert (made.status_code, made.get_json()["version"], made.get_json()["claimedBy"]) == (201, 1, "server")
    assert put(chief, "actions/lap", LAP).get_json()["version"] == 1
    changed = put(chief, "actions/lap", {"dailyLimit": 3})
    assert (changed.status_code, changed.get_json()["version"]) == (200, 2)
    assert changed.get_json()["value"] == LAP["value"]


def test_a_catalogue_is_applied_whole_and_twice(chief: Player, web: FlaskClient) -> None:
    catalogue = {"version": 1, "boards": [{"id": "lap-monza", **LAPS}], "actions": [{"id": "lap", **LAP}]}
    tried = post(chief, "catalogue", {"catalogue": catalogue, "dryRun": True}).get_json()
    assert [change["path"] for change in tried["changes"]] == ["boards.lap-monza", "actions.lap"]
    assert not tried["applied"]
    assert web.get("/api/boards/lap-monza").status_code == 404
    assert post(chief, "catalogue", {"catalogue": catalogue}).get_json() == {**tried, "applied": True}
    assert post(chief, "catalogue", {"catalogue": catalogue}).get_json() == {"changes": [], "applied": True}
    catalogue["boards"] += [{"id": "Bad"}, {"id": "ok"}]  # type: ignore[operator]
    refused = post(chief, "catalogue", {"catalogue": catalogue})
    assert error_code(refused) == "validation_failed"
    assert [each["field"] for each in refused.get_json()["error"]["details"]["fields"]] == ["boards[1].id"]
    assert web.get("/api/boards/ok").status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("boards/new", {"colour": 1}, (400, "validation_failed", "colour")),
        ("boards/New", {}, (400, "validation_failed", "boardId")),
        ("boards/new", {"boardId": "other"}, (400, "validation_failed", "boardId")),
        ("boards/new", {"periods": []}, (400, "validation_failed", "periods")),
        ("boards/new", {"periods": ["all", "all"]}, (400, "validation_failed", "periods")),
        ("boards/new", {"rule": "lowest", "order": "descending"}, (400, "validation_failed", "order")),
        ("boards/new", {"opensAt": "2020-01-01T00:00:00Z"}, (400, "validation_failed", "opensAt")),
        ("boards/new", {"closesAt": "soon"}, (400, "validation_failed", "closesAt")),
        (
            "boards/new",
            {"opensAt": "2099-01-02T00:00:00Z", "closesAt": "2099-01-01T00:00:00Z"},
            (400, "validation_failed", "closesAt"),
        ),
        ("boards/new", {"position": 1.0}, (400, "validation_failed", "position")),
        ("boards/main", {"rule": "count"}, (409, "board_immutable", "rule")),
        ("boards/main", {"periods": ["all"]}, (409, "board_immutable", "periods")),
        ("actions/new", {}, (400, "validation_failed", "points")),
        ("actions/new", {"points": 1, "value": {}}, (400, "validation_failed", "")),
        ("actions/new", {"points": 2**53}, (400, "validation_failed", "points")),
        ("actions/new", {"value": {"min": 2, "max": 1}}, (400, "validation_failed", "value")),
        ("actions/new", {"points": 1, "boards": [f"b{n}" for n in range(9)]}, (400, "validation_failed", "boards")),
        ("actions/new", {"points": 1, "boards": ["main", "nowhere"]}, (400, "unknown_board", "boards[1]")),
        ("actions/adjust-main", {"points": 1}, (400, "validation_failed", "actionId")),
        ("actions/enrol-main", {"points": 1}, (400, "validation_failed", "actionId")),
    ],
)  # fmt: skip
def test_bad_input_is_named_and_changes_nothing(
    chief: Player, worker: WorkerState, path: str, body: object, error: tuple[int, str, str]
) -> None:
    refused = put(chief, path, body)
    (problem,) = refused.get_json()["error"]["details"]["fields"]
    assert (refused.status_code, error_code(refused), problem["field"]) == error
    with worker.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM boards")).scalar_one() == 1
        assert connection.execute(text("SELECT count(*) FROM actions")).scalar_one() == 5


def test_only_admins_change_the_catalogue(ada: Player, web: FlaskClient) -> None:
    for path in ("boards/new", "actions/new"):
        assert error_code(put(ada, path, {})) == "forbidden"
        assert error_code(web.put(f"/api/admin/{path}", json={})) == "token_missing"
    for path in ("catalogue", "boards/main/open", "boards/main/close", "boards/main/archive"):
        assert error_code(post(ada, path)) == "forbidden"


def test_a_board_opens_closes_and_is_archived(chief: Player, web: FlaskClient) -> None:
    put(chief, "boards/contest", {"opensAt": "2099-01-01T00:00:00Z", "closesAt": "2099-02-01T00:00:00Z"})
    assert web.get("/api/boards/contest").get_json()["state"] == "planned"
    opened = post(chief, "boards/contest/open").get_json()
    soon = format_instant(datetime.now(UTC) + timedelta(seconds=7))
    assert opened["opensAt"] < soon
    assert opened["closesAt"] is None
    assert post(chief, "boards/contest/open").get_json()["revision"] == opened["revision"], "it may be repeated"
    closing = post(chief, "boards/contest/close", {"at": "2099-03-01T00:00:00Z", "reason": "over"}).get_json()
    assert closing["closesAt"] == "2099-03-01T00:00:00.000Z"
    for body in ({"at": "2020-01-01T00:00:00Z"}, {"at": 5}, {"when": "now"}):
        assert error_code(post(chief, "boards/contest/close", body)) == "validation_failed"
    assert error_code(post(chief, "boards/main/archive")) == "board_immutable"
    assert error_code(post(chief, "boards/nowhere/close")) == "not_found"
    gone = post(chief, "boards/contest/archive").get_json()
    assert (gone["state"], gone["archived"]) == ("archived", True)
    assert post(chief, "boards/contest/archive").get_json() == gone
    assert error_code(post(chief, "boards/contest/open")) == "board_immutable"
    assert [board["boardId"] for board in web.get("/api/boards").get_json()["boards"]] == ["main"]
    assert web.get("/api/boards/contest").get_json()["state"] == "archived"
    assert web.get("/api/scores/leaderboard?board=contest").status_code == 200


def test_the_list_of_boards_has_an_order_pages_and_a_tag(chief: Player, web: FlaskClient) -> None:
    for board_id, category, position in (("b", "laps", 2), ("c", "laps", 1), ("a", "laps", 2), ("x", None, 5)):
        put(chief, f"boards/{board_id}", {"category": category, "position": position})
    put(chief, "boards/secret", {"visibility": "hidden", "category": "laps"})
    pages, cursor = [], None
    while True:
        page = web.get("/api/boards?limit=2" + (f"&cursor={cursor}" if cursor else "")).get_json()
        pages.append([board["boardId"] for board in page["boards"]])
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert pages == [["main", "x"], ["c", "a"], ["b"]]
    of_laps = web.get("/api/boards?category=laps&state=open").get_json()["boards"]
    assert [board["boardId"] for board in of_laps] == ["c", "a", "b"]
    first = web.get("/api/boards")
    assert web.get("/api/boards", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    put(chief, "boards/x", {"title": "X"})
    assert web.get("/api/boards", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200
    assert error_code(web.get("/api/boards?cursor=nonsense")) == "invalid_cursor"
    assert error_code(web.get("/api/boards?state=archived")) == "validation_failed"


def test_a_board_has_only_its_periods(chief: Player, web: FlaskClient) -> None:
    put(chief, "boards/lap-monza", LAPS)
    for period, status in (("all", 200), ("weekly", 200), ("2026-W48", 200), ("daily", 400), ("2026-11", 400)):
        for path in ("leaderboard", "snapshots", f"user/{chief.user_id}"):
            answer = web.get(f"/api/scores/{path}?board=lap-monza&period={period}")
            assert answer.status_code == status, (path, period)
            if status == 400:
                assert error_code(answer) == "validation_failed"


READS = ("scores/leaderboard?board=laps", "scores/snapshots?board=laps", "scores/user/{user}?board=laps", "boards/laps")


def test_a_board_of_players_is_read_with_a_token_and_kept_by_no_shared_cache(
    chief: Player, ada: Player, web: FlaskClient
) -> None:
    put(chief, "boards/laps", {"visibility": "players"})
    for read in READS:
        path = f"/api/{read.format(user=ada.user_id)}"
        refused = web.get(path)
        assert (refused.status_code, error_code(refused)) == (401, "token_missing"), path
        assert error_code(web.get(path, headers={"Authorization": "Bearer x"})) == "token_invalid"
        assert web.get(path, headers=ada.headers).status_code == 200, path
    shown = web.get("/api/scores/leaderboard?board=laps", headers=ada.headers)
    assert shown.headers["Cache-Control"] == "private, no-cache"
    assert "Authorization" in shown.headers["Vary"]
    public = web.get("/api/scores/leaderboard", headers=ada.headers)
    assert public.headers["Cache-Control"] == "public, no-cache"
    assert "Authorization" not in public.headers.get("Vary", "")
    assert [board["boardId"] for board in web.get("/api/boards").get_json()["boards"]] == ["laps", "main"]


def test_to_others_a_hidden_board_is_one_that_is_not_there(chief: Player, ada: Player, web: FlaskClient) -> None:
    put(chief, "boards/laps", {"visibility": "hidden"})
    for read in READS:
        path = f"/api/{read.format(user=ada.user_id)}"
        nowhere = path.replace("laps", "nope")
        for headers in ({}, ada.headers, {"Authorization": "Bearer x"}):
            hidden, missing = web.get(path, headers=headers), web.get(nowhere, headers=headers)
            assert (hidden.status_code, error_code(hidden)) == (missing.status_code, error_code(missing)), path
            assert hidden.text.replace("laps", "nope") == missing.text
        assert web.get(path, headers=chief.headers).status_code == 200, path


def test_a_snapshot_is_seen_by_whoever_sees_its_board(
    chief: Player, ada: Player, web: FlaskClient, worker: WorkerState
) -> None:
    put(chief, "boards/laps", {})
    with worker.engine.begin() as connection:
        snapshots.store(connection, "laps", "all", datetime.now(UTC), snapshots.Head(0, []))
    (snapshot,) = web.get("/api/scores/snapshots?board=laps").get_json()["snapshots"]
    path = f"/api/scores/snapshots/{snapshot['id']}"
    assert web.get(path).status_code == 200
    put(chief, "boards/laps", {"visibility": "hidden"})
    assert error_code(web.get(path, headers=ada.headers)) == "not_found"
    assert web.get(path, headers=chief.headers).status_code == 200
    put(chief, "boards/laps", {"visibility": "players"})
    assert error_code(web.get(path)) == "token_missing"
    assert web.get(path, headers=ada.headers).status_code == 200


def test_the_socket_of_a_board_takes_whoever_may_see_it(chief: Player, ada: Player, web: FlaskClient) -> None:
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip

    def watch(player: Player | None) -> str:
        ticket = ""
        if player:
            ticket = f"&ticket={web.post('/api/auth/ticket', headers=player.headers).get_json()['ticket']}"
        return error_code(web.get(f"/ws/scoreboard?board=laps{ticket}", headers=upgrade))

    assert watch(None) == "unknown_board"
    put(chief, "boards/laps", {"visibility": "hidden"})
    assert watch(None) == watch(ada) == "unknown_board"
    put(chief, "boards/laps", {"visibility": "players"})
    assert watch(None) == "token_missing"


def test_no_more_boards_are_made_than_there_may_be(application: Flask, chief: Player) -> None:
    services = application.extensions["scoreboard"]
    object.__setattr__(services, "settings", services.settings.model_copy(update={"max_boards": 2}))
    assert put(chief, "boards/one", {}).status_code == 201
    refused = put(chief, "boards/two", {})
    assert (refused.status_code, error_code(refused)) == (409, "too_many")
    assert put(chief, "boards/one", {"title": "One"}).status_code == 200


def test_whatever_an_admin_changes_is_in_the_audit_log(chief: Player, worker: WorkerState) -> None:
    put(chief, "boards/laps", LAPS)
    put(chief, "boards/laps", LAPS)
    post(chief, "boards/laps/close", {"reason": "over"})
    with worker.engine.connect() as connection:
        rows = connection.execute(text("SELECT actor, action, subject, details FROM audit_log ORDER BY id")).all()
    assert [(row.actor, row.action, row.subject) for row in rows] == [
        (chief.user_id, "set_board", "laps"), (chief.user_id, "close_board", "laps")
    ]  # fmt: skip
    assert rows[1].details["reason"] == "over"


def a_server(web: FlaskClient, worker: WorkerState, scope: Scope) -> GameServer:
    secret_key = web.application.extensions["scoreboard"].settings.secret_keys[0]
    return game_server(web, worker.engine, secret_key, Permissions(frozenset({scope})))


def test_a_key_that_manages_changes_boards_and_actions_and_is_named_in_the_audit_log(
    web: FlaskClient, worker: WorkerState
) -> None:
    server = a_server(web, worker, Scope.MANAGE)
    catalogue = {"catalogue": {"version": 1, "boards": [{"id": "laps"}]}}
    assert server.post("/api/admin/catalogue", catalogue).get_json()["applied"]
    assert server.post("/api/admin/boards/laps/close", {}).status_code == 200
    with worker.engine.connect() as connection:
        rows = connection.execute(text("SELECT actor, action FROM audit_log ORDER BY id")).all()
    assert rows == [(server.key_id, "apply_catalogue"), (server.key_id, "close_board")]


@pytest.mark.parametrize("scope", [Scope.SUBMIT, Scope.READ, Scope.PLAYERS])
def test_a_key_of_another_scope_changes_no_board(web: FlaskClient, worker: WorkerState, scope: Scope) -> None:
    refused = a_server(web, worker, scope).post("/api/admin/boards/main/close", {})
    assert (refused.status_code, error_code(refused)) == (403, "api_key_scope")
    assert refused.get_json()["error"]["details"] == {"scope": "manage"}


@pytest.mark.parametrize("visibility", ["players", "hidden"])
def test_a_key_that_reads_sees_every_board(
    chief: Player, web: FlaskClient, worker: WorkerState, visibility: str
) -> None:
    put(chief, "boards/laps", {"visibility": visibility})
    reader, other = a_server(web, worker, Scope.READ), a_server(web, worker, Scope.SUBMIT)
    for read in READS:
        path = f"/api/{read.format(user=chief.user_id)}"
        assert web.get(path, headers=reader.headers_to_read(path)).status_code == 200, path
        assert error_code(web.get(path, headers=other.headers_to_read(path))) == "api_key_scope"
        assert error_code(web.get(path, headers=reader.headers_to_read("/api/elsewhere"))) == "signature_invalid"
    lookup = {"board": "laps", "userIds": [chief.user_id]}
    assert reader.post("/api/scores/lookup", lookup).status_code == 200
    hidden = web.post("/api/scores/lookup", json=lookup)
    assert error_code(hidden) == {"players": "token_missing", "hidden": "unknown_board"}[visibility]


def test_admins_see_every_board_also_hidden_and_archived_ones(chief: Player, ada: Player, web: FlaskClient) -> None:
    put(chief, "boards/hidden-one", {"visibility": "hidden"})
    put(chief, "boards/over", {})
    post(chief, "boards/over/archive")
    assert web.get("/api/admin/boards").status_code == 401
    assert web.get("/api/admin/boards", headers=ada.headers).status_code == 403
    pages = [web.get("/api/admin/boards?limit=2", headers=chief.headers).get_json()]
    while pages[-1]["nextCursor"]:
        cursor = pages[-1]["nextCursor"]
        pages.append(web.get(f"/api/admin/boards?limit=2&cursor={cursor}", headers=chief.headers).get_json())
    seen = {board["boardId"]: board["state"] for page in pages for board in page["boards"]}
    assert {"main", "hidden-one", "over"} <= set(seen)
    assert (seen["hidden-one"], seen["over"]) == ("open", "archived")
    archived = web.get("/api/admin/boards?state=archived", headers=chief.headers).get_json()["boards"]
    assert {board["state"] for board in archived} == {"archived"}
    foreign = web.get(f"/api/admin/boards?state=open&cursor={cursor}", headers=chief.headers)
    assert foreign.get_json()["error"]["code"] == "invalid_cursor"
