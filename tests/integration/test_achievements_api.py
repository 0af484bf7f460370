"""Achievements by the API: definitions, what a player is told, grants of game servers, and revocations."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from common.core.settings import Settings
from common.domain.permissions import Permissions, Scope
from tests.game_server import GameServer, game_server
from tests.inbox import accept, add_users, drain_completely
from tests.player import Player, admin, error_code, register
from workers.state import WorkerState

GRANT = "/api/achievements/grant"
WINS: dict[str, Any] = {"title": "Two wins", "icon": "trophy", "count": {"actions": ["win-match"], "goal": 2}}
EXPLORER: dict[str, Any] = {"title": "Explorer", "granted": {"goal": 3}}

Put = Callable[..., Any]


def share_of(goal: float) -> dict[str, Any]:
    return {**WINS, "count": {"actions": ["share"], "goal": goal}}


@pytest.fixture
def chief(web: FlaskClient, worker: WorkerState) -> Player:
    return admin(web, worker.engine)


@pytest.fixture
def ada(web: FlaskClient) -> Player:
    return register(web, "ada")


@pytest.fixture
def server(web: FlaskClient, worker: WorkerState, settings: Settings) -> GameServer:
    allowed = Permissions(frozenset({Scope.ACHIEVEMENTS, Scope.PLAYERS}), "arena")
    return game_server(web, worker.engine, settings.secret_key.get_secret_value(), allowed)


@pytest.fixture
def put(chief: Player) -> Put:
    def send(achievement_id: str, body: object) -> Any:  # noqa: ANN401
        return chief.client.put(f"/api/admin/achievements/{achievement_id}", json=body, headers=chief.headers)

    return send


def shelf(web: FlaskClient, user_id: str, by: Player | None = None) -> Any:  # noqa: ANN401
    return web.get(f"/api/achievements/user/{user_id}", headers=by.headers if by else {})


def listed(web: FlaskClient, by: Player | None = None) -> dict[str, Any]:
    answer = web.get("/api/achievements", headers=by.headers if by else {})
    assert answer.status_code == 200, answer.text
    return {each["id"]: each for each in answer.get_json()["achievements"]}


def win(worker: WorkerState, player: Player, times: int) -> None:
    for _ in range(times):
        accept(worker, player.user_id)
    drain_completely(worker)


def test_an_achievement_is_made_listed_and_changed(put: Put, web: FlaskClient) -> None:
    made = put("two-wins", WINS)
    assert (made.status_code, made.get_json()["kind"], made.get_json()["retroactive"]) == (201, "count", False)
    assert put("two-wins", {"title": "Two wins", "icon": "trophy"}).get_json() == made.get_json()
    changed = put("two-wins", {**WINS, "id": "two-wins", "title": "A pair", "retroactive": True})
    assert changed.status_code == 200
    assert changed.get_json() == {**made.get_json(), "title": "A pair", "retroactive": True}
    assert listed(web)["two-wins"] == {
        "id": "two-wins", "title": "A pair", "description": "", "icon": "trophy", "secret": False, "repeat": "once",
        "kind": "count", "count": WINS["count"], "rarity": None,
    }  # fmt: skip
    put("two-wins", {"title": "A pair", "enabled": False})
    assert listed(web) == {}


@pytest.mark.parametrize("change", [
    {"count": {"actions": ["win-match"], "goal": 3}},
    {"count": {"actions": ["share"], "goal": 2}},
    {"granted": {"goal": 2}, "count": None},
    {"repeat": "period", "period": "daily"},
])  # fmt: skip
def test_what_decides_it_never_changes(put: Put, change: dict[str, Any]) -> None:
    put("two-wins", WINS)
    refused = put("two-wins", {name: value for name, value in {**WINS, **change}.items() if value is not None})
    assert (refused.status_code, error_code(refused)) == (409, "achievement_immutable")


@pytest.mark.parametrize(("body", "code"), [
    ({**WINS, "count": {"actions": ["fly"], "goal": 2}}, "unknown_action"),
    ({"title": "-", "score": {"board": "nowhere", "reach": 1}}, "unknown_board"),
    *((share_of(goal), "validation_failed") for goal in (0, -1, 1.5, 10**9 + 1)),
    ({"title": "-", "placement": {"board": "main", "period": "all", "within": 1}}, "validation_failed"),
    ({**WINS, "icon": "unicorn"}, "validation_failed"),
    ({**WINS, "granted": {}}, "validation_failed"),
    ({"title": "-"}, "validation_failed"),
    ({**EXPLORER, "retroactive": True}, "validation_failed"),
    ({"title": "-", "score": {"board": "main", "period": "weekly", "reach": 1}, "repeat": "period", "period": "daily"},
     "validation_failed"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused_and_nothing_is_made(
    put: Put, web: FlaskClient, body: dict[str, Any], code: str
) -> None:
    refused = put("new-one", body)
    assert (refused.status_code, error_code(refused)) == (400, code)
    assert listed(web) == {}


def test_a_player_is_told_what_they_have_and_how_far_they_are_and_others_only_the_first(
    put: Put, web: FlaskClient, worker: WorkerState, ada: Player
) -> None:
    put("two-wins", WINS)
    put("explorer", EXPLORER)
    win(worker, ada, 1)
    assert shelf(web, ada.user_id, ada).get_json() == {
        "unlocked": [],
        "progress": [
            {"achievementId": "explorer", "steps": 0, "goal": 3, "scope": ""},
            {"achievementId": "two-wins", "steps": 1, "goal": 2, "scope": ""},
        ],
    }
    win(worker, ada, 1)
    seen = shelf(web, ada.user_id).get_json()
    assert [each["title"] for each in seen.pop("unlocked")] == ["Two wins"]
    assert seen == {}


def test_of_a_secret_one_only_who_has_it_is_told_what_it_is(
    put: Put, web: FlaskClient, worker: WorkerState, ada: Player, chief: Player
) -> None:
    put("two-wins", {**WINS, "secret": True})
    assert listed(web)["two-wins"]["title"] is None
    assert "count" not in listed(web, ada)["two-wins"]
    assert shelf(web, ada.user_id, ada).get_json()["progress"] == []
    win(worker, ada, 2)
    assert listed(web, ada)["two-wins"]["title"] == "Two wins"
    assert shelf(web, ada.user_id).get_json()["unlocked"][0]["title"] is None
    assert shelf(web, ada.user_id, ada).get_json()["unlocked"][0]["title"] == "Two wins"
    assert listed(web, chief)["two-wins"]["title"] == "Two wins"


def test_who_is_not_named_is_found_by_themselves_and_admins_alone(
    put: Put, web: FlaskClient, ada: Player, chief: Player
) -> None:
    put("two-wins", WINS)
    web.post("/api/me/visibility", json={"visibility": "anonymous"}, headers=ada.headers)
    assert [shelf(web, ada.user_id, by).status_code for by in (None, ada, chief)] == [404, 200, 200]
    assert shelf(web, "00000000-0000-4000-8000-000000000000").status_code == 404


def test_those_of_a_hidden_board_are_not_told(put: Put, web: FlaskClient, chief: Player) -> None:
    chief.client.put("/api/admin/boards/jury", json={"visibility": "hidden"}, headers=chief.headers)
    put("juror", {"title": "Juror", "score": {"board": "jury", "reach": 1}})
    assert (list(listed(web)), list(listed(web, chief))) == ([], ["juror"])


def test_grants_are_at_least_so_many_steps_and_may_be_sent_again(
    put: Put, server: GameServer, web: FlaskClient, worker: WorkerState, ada: Player
) -> None:
    put("explorer", EXPLORER)
    put("two-wins", WINS)
    server.post("/api/players", {"players": [{"externalId": "steam:1"}]})

    def grant(*grants: dict[str, object]) -> dict[str, Any]:
        answer = server.post(GRANT, {"grants": list(grants)})
        body: dict[str, Any] = answer.get_json()
        assert answer.status_code == (200 if len(body["refused"]) < len(grants) else 400), answer.text
        return {**body, "refused": [(each["index"], each["code"]) for each in body["refused"]]}

    steps: dict[str, object] = {"userId": ada.user_id, "achievementId": "explorer", "steps": 2}
    told = {"unlocked": 0, "progressed": 1, "unchanged": 0, "refused": []}
    assert grant(steps) == told
    assert grant(steps) == {**told, "progressed": 0, "unchanged": 1}
    whole: dict[str, object] = {"externalId": "steam:1", "achievementId": "explorer"}
    assert grant(whole, {**steps, "steps": 1}) == {"unlocked": 1, "progressed": 0, "unchanged": 1, "refused": []}
    assert grant(
        {**steps, "achievementId": "two-wins"}, {**steps, "achievementId": "nothing"}, {**steps, "steps": 0},
        {**whole, "externalId": "steam:2"},
    )["refused"] == [
        (0, "not_grantable"), (1, "unknown_achievement"), (2, "validation_failed"), (3, "unknown_user")
    ]  # fmt: skip
    assert shelf(web, ada.user_id, ada).get_json()["progress"][0]["steps"] == 2


def test_a_key_without_the_scope_grants_nothing(web: FlaskClient, worker: WorkerState, settings: Settings) -> None:
    submitting = game_server(web, worker.engine, settings.secret_key.get_secret_value())
    refused = submitting.post(GRANT, {"grants": [{"userId": add_users(worker.engine, 1)[0], "achievementId": "any"}]})
    assert (refused.status_code, error_code(refused)) == (403, "api_key_scope")


def test_an_admin_takes_it_back_and_it_may_be_earned_again(
    put: Put, web: FlaskClient, worker: WorkerState, ada: Player, chief: Player
) -> None:
    put("two-wins", WINS)
    win(worker, ada, 2)

    def revoke(achievement_id: str) -> Any:  # noqa: ANN401
        body = {"userId": ada.user_id, "reason": "a modified client"}
        return web.post(f"/api/admin/achievements/{achievement_id}/revoke", json=body, headers=chief.headers)

    assert revoke("two-wins").get_json() == {"achievementId": "two-wins", "userId": ada.user_id, "revoked": 1}
    assert revoke("two-wins").get_json()["revoked"] == 0
    assert revoke("nothing").status_code == 404
    assert shelf(web, ada.user_id, ada).get_json()["progress"][0]["steps"] == 0
    win(worker, ada, 2)
    assert len(shelf(web, ada.user_id).get_json()["unlocked"]) == 1
