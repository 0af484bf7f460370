"""What admins look at: players, the state of one, API keys and the audit log."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from common.domain.details import PlayerVisibility
from common.domain.permissions import Permissions, Scope
from common.domain.player_profiles import PlayerProfile
from common.postgres import api_keys, audit, identities, tables
from common.postgres.audit import Actor
from tests.game_server import game_server
from tests.player import Player, admin, error_code, register
from workers.state import WorkerState

ADDRESSES = ("players", "users/00000000-0000-4000-8000-000000000000", "audit", "keys")


@pytest.fixture
def chief(client: FlaskClient, worker: WorkerState) -> Player:
    """An admin, and five players of two games."""
    with worker.engine.begin() as connection:
        names = {f"id-{n}": PlayerProfile(f"Möbius {n}" if n else "100% Zoë", "DE") for n in range(4)}
        usernames = {f"id-{n}": f"racer_{n}" for n in range(4)}
        identities.ensure(connection, "arena", names, usernames, profiles=names)
        identities.ensure(connection, "other", ["id-1"], {"id-1": "racerx"}, visibility=PlayerVisibility.UNLISTED)
    return admin(client, worker.engine)


def get(player: Player, what: str, **query: object) -> TestResponse:
    return player.client.get(f"/api/admin/{what}", query_string=query, headers=player.headers)


def names(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["username"] for each in answer.get_json()["players"]]


def user_id_of(chief: Player, username: str) -> str:
    (player,) = get(chief, "players", q=username).get_json()["players"]
    return str(player["userId"])


def test_players_are_found_by_a_part_of_a_name_by_their_id_and_by_a_games_own(chief: Player) -> None:
    assert names(get(chief, "players")) == ["chief", "racer_0", "racer_1", "racer_2", "racer_3", "racerx"]
    for query, found in [
        ({"q": "RACER_"}, ["racer_0", "racer_1", "racer_2", "racer_3"]),
        ({"q": "cer"}, ["racer_0", "racer_1", "racer_2", "racer_3", "racerx"]),
        ({"q": "zoë"}, ["racer_0"]),
        ({"q": "0% z"}, ["racer_0"]),
        ({"q": "MÖBIUS 2"}, ["racer_2"]),
        ({"q": "%"}, ["racer_0"]),
        ({"q": "\\"}, []),
        ({"q": user_id_of(chief, "racerx").upper()}, ["racerx"]),
        ({"externalId": "id-1"}, ["racer_1", "racerx"]),
        ({"externalId": "id-1", "realm": "other"}, ["racerx"]),
        ({"externalId": "id-1", "q": "x"}, ["racerx"]),
        ({"externalId": "id-9"}, []),
        ({"realm": "arena", "q": "3"}, ["racer_3"]),
    ]:
        assert names(get(chief, "players", **query)) == found, query
    (player,) = get(chief, "players", q="racer_2").get_json()["players"]
    assert player.pop("userId") == user_id_of(chief, "racer_2")
    assert player.pop("createdAt").endswith("Z")
    assert player == {
        "username": "racer_2",
        "role": "player",
        "displayName": "Möbius 2",
        "country": "DE",
        "externalIds": [{"realm": "arena", "externalId": "id-2"}],
        "visibility": "named",
        "suspended": False,
    }


def test_pages_of_players_follow_each_other(chief: Player) -> None:
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = get(chief, "players", limit=2, q="racer", **cursor)
        found += names(page)
        if (follows := page.get_json()["nextCursor"]) is None:
            break
        cursor = {"cursor": follows}
    assert found == ["racer_0", "racer_1", "racer_2", "racer_3", "racerx"]
    assert error_code(get(chief, "players", q="cer", **cursor)) == "invalid_cursor"


def test_the_state_of_a_player_is_told_and_erased_ones_are_not_there(chief: Player, worker: WorkerState) -> None:
    racer = user_id_of(chief, "racerx")
    with worker.engine.begin() as connection:
        row = {"board_id": "main", "user_id": racer, "actor": chief.user_id, "reason": "a second account"}
        connection.execute(tables.disqualifications.insert(), row)
    chief.client.post(f"/api/admin/users/{racer}/suspend", json={}, headers=chief.headers)
    state = get(chief, f"users/{racer}").get_json()
    assert (state["suspended"], state["visibility"], state["hasPassword"]) == (True, "unlisted", False)
    assert state["suspendedAt"]
    (disqualified,) = state["disqualifications"]
    assert disqualified.pop("at")
    assert disqualified == {"board": "main", "actor": chief.user_id, "reason": "a second account"}
    assert get(chief, f"users/{chief.user_id}").get_json()["hasPassword"] is True

    ada = register(chief.client, "ada")
    ada.client.post("/api/me/delete", json={"password": "correct horse"}, headers=ada.headers)
    assert error_code(get(chief, f"users/{ada.user_id}")) == "not_found"
    assert names(get(chief, "players", q=ada.user_id)) == names(get(chief, "players", q="erased")) == []


def test_the_audit_log_is_read_by_whom_what_and_by_whom_not(chief: Player, worker: WorkerState) -> None:
    with worker.engine.begin() as connection:
        for number in range(5):
            actor = Actor("command line", "root") if number % 2 else Actor(chief.user_id)
            audit.add(connection, actor, "close_board", f"board-{number % 3}", number=number)

    def numbers(**query: object) -> list[int]:
        entries = get(chief, "audit", action="close_board", **query).get_json()["entries"]
        return [each["details"]["number"] for each in entries]

    assert numbers() == [4, 3, 2, 1, 0]
    assert numbers(subject="board-1") == [4, 1]
    assert numbers(actor="command line") == [3, 1]
    assert numbers(actor=chief.user_id, subject="board-0") == [0]
    assert get(chief, "audit", action="nothing").get_json() == {"entries": [], "nextCursor": None}
    page = get(chief, "audit", limit=2, action="close_board").get_json()
    assert page["entries"][1]["details"] == {"number": 3, "os_user": "root"}
    assert numbers(limit=2, cursor=page["nextCursor"]) == [2, 1]
    assert error_code(get(chief, "audit", cursor=page["nextCursor"])) == "invalid_cursor"


def test_keys_are_listed_without_their_secrets(app: Flask, chief: Player, worker: WorkerState) -> None:
    allowed = Permissions(frozenset({Scope.READ, Scope.SUBMIT}), "arena", ("lap-*",))
    secret = app.extensions["scoreboard"].settings.secret_keys[0]
    servers = [game_server(chief.client, worker.engine, secret, each) for each in (allowed, Permissions())]
    with worker.engine.begin() as connection:
        api_keys.revoke(connection, servers[1].key_id)
    answer = get(chief, "keys")
    first, second = answer.get_json()["keys"]
    assert first.pop("createdAt")
    assert first == {
        "keyId": servers[0].key_id,
        "name": "a game server",
        "scopes": ["read", "submit"],
        "realm": "arena",
        "actions": ["lap-*"],
        "previousUntil": None,
        "revokedAt": None,
    }
    assert (second["actions"], second["revokedAt"] is None) == (None, False)
    assert not any(server.secret in answer.text for server in servers)


def test_all_of_it_is_for_admins_alone(app: Flask, client: FlaskClient, ada: Player, worker: WorkerState) -> None:
    everything = Permissions(frozenset(Scope))
    server = game_server(client, worker.engine, app.extensions["scoreboard"].settings.secret_keys[0], everything)
    for what in ADDRESSES:
        address = f"/api/admin/{what}"
        assert error_code(get(ada, what)) == "forbidden"
        assert error_code(client.get(address)) == "token_missing"
        assert client.get(address, headers=server.headers_to_read(address)).status_code == 401


def test_what_is_asked_wrongly_is_refused(chief: Player) -> None:
    wrong: list[tuple[str, dict[str, object]]] = [
        ("players", {"q": ""}),
        ("players", {"q": "x" * 129}),
        ("players", {"q": "\0"}),
        ("players", {"externalId": "with space"}),
        ("players", {"realm": "A B"}),
        ("players", {"limit": 0}),
        ("players", {"more": 1}),
        ("audit", {"subject": ""}),
        ("audit", {"actor": "\0"}),
        ("audit", {"limit": 101}),
        ("users/ada", {}),
    ]
    for what, query in wrong:
        assert error_code(get(chief, what, **query)) == "validation_failed", (what, query)
    for what in ("players", "audit"):
        assert error_code(get(chief, what, cursor="made-up")) == "invalid_cursor"
    assert error_code(get(chief, ADDRESSES[1])) == "not_found"
