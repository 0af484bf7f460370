"""Players whom a game knows by ids of its own: made once, scored without an account, and of no other game."""

import json
import threading
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from common.core.settings import Settings
from common.domain.permissions import Permissions, Scope
from common.postgres import identities, users
from common.redis_store.inbox import Inbox
from tests.command_line import CommandLine
from tests.game_server import BATCH, GameServer, game_server, item
from tests.inbox import add_users, board_of, drain_completely
from tests.player import PASSWORD, Player, error_code
from workers.state import WorkerState

PLAYERS = "/api/players"
EXCHANGE = "/api/auth/exchange"

ServerOf = Callable[..., GameServer]


@pytest.fixture
def server_of(client: FlaskClient, worker: WorkerState, settings: Settings) -> ServerOf:
    """Makes a game server with these scopes, in this realm, for these actions."""

    def make(*scopes: Scope, realm: str = "arena", actions: tuple[str, ...] | None = None) -> GameServer:
        permissions = Permissions(frozenset(scopes or (Scope.SUBMIT, Scope.PLAYERS)), realm, actions)
        return game_server(client, worker.engine, settings.secret_key.get_secret_value(), permissions)

    return make


@pytest.fixture
def arena(server_of: ServerOf) -> GameServer:
    return server_of()


def of(external_id: str, action_id: str = "win-match", **changes: object) -> dict[str, object]:
    """An update of a player of the game."""
    update = item("", action_id, **changes)  # type: ignore[arg-type]  # `changes` has the key, which is a text
    del update["userId"]
    return {"externalId": external_id, **update}


def made(server: GameServer, *external_ids: str) -> dict[str, str]:
    """The user ids of players, made where they are new."""
    body = {"players": [{"externalId": external_id} for external_id in external_ids]}
    answer = server.post(PLAYERS, body)
    assert answer.status_code == 200, answer.json
    return {player["externalId"]: player["userId"] for player in answer.get_json()["players"]}


def count_users(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM users")).scalar_one())


# -- POST /api/players -------------------------------------------------------------------------------------------------


def test_a_player_is_made_once_and_keeps_the_user_id(arena: GameServer, engine: Engine) -> None:
    body = {"players": [{"externalId": "steam:1"}, {"externalId": "steam:2"}, {"externalId": "steam:1"}]}
    first, second = (arena.post(PLAYERS, body).get_json()["players"] for _ in range(2))

    assert [player["created"] for player in first] == [True, True, True]
    assert [player["created"] for player in second] == [False, False, False]
    assert [player["userId"] for player in first] == [player["userId"] for player in second]
    assert first[0] == first[2]
    assert count_users(engine) == 2


def test_a_player_of_a_game_has_a_name_that_is_drawn_and_no_password(
    arena: GameServer, client: FlaskClient, engine: Engine
) -> None:
    (user_id,) = made(arena, "steam:1").values()
    with engine.connect() as connection:
        user = users.get(connection, user_id)
    assert user.username.startswith("p-")
    assert len(user.username) == 14
    assert user.role == "player"
    unknown = client.post("/api/auth/login", json={"username": "nobody", "password": PASSWORD})
    answer = client.post("/api/auth/login", json={"username": user.username, "password": PASSWORD})
    assert (answer.status_code, answer.json) == (401, unknown.json)


@pytest.mark.parametrize(
    "player",
    [
        {},
        {"externalId": ""},
        {"externalId": "with space"},
        {"externalId": "é"},
        {"externalId": "x" * 129},
        {"externalId": "line\n"},
        {"externalId": "nul\0"},
        {"externalId": 7},
        {"externalId": None},
        {"externalId": "a", "segments": {}},
        {"externalId": "a", "userId": "b"},
        {"externalId": "a", "displayName": ""},
        {"externalId": "a", "displayName": "x" * 33},
        {"externalId": "a", "displayName": "\u0430da"},
        {"externalId": "a", "displayName": "a\u202eb"},
        {"externalId": "a", "displayName": 7},
        {"externalId": "a", "country": "gb"},
        {"externalId": "a", "country": "ZZ"},
        "steam:1",
        None,
        ["steam:1"],
    ],
    ids=repr,
)
def test_a_player_with_a_fault_is_refused_and_the_others_are_made(
    arena: GameServer, engine: Engine, player: object
) -> None:
    answer = arena.post(PLAYERS, {"players": [player]})
    if player == {"externalId": "nul\0"}:
        assert (answer.status_code, error_code(answer)) == (400, "invalid_json")
        return
    assert (answer.status_code, answer.get_json()["players"]) == (400, [])
    assert count_users(engine) == 0
    answer = arena.post(PLAYERS, {"players": [{"externalId": "good"}, player]})
    body = answer.get_json()
    assert answer.status_code == 200
    assert [known["externalId"] for known in body["players"]] == ["good"]
    assert [(refusal["index"], refusal["code"]) for refusal in body["refused"]] == [(1, "validation_failed")]


def test_a_display_name_and_a_country_are_shown_and_may_change(
    arena: GameServer, worker: WorkerState, engine: Engine
) -> None:
    named = {"externalId": "steam:1", "displayName": " Ada L\u0065\u0301 ", "country": "GB"}
    (player,) = arena.post(PLAYERS, {"players": [named]}).get_json()["players"]
    arena.send(of("steam:1"))
    drain_completely(worker)

    def shown() -> tuple[object, object]:
        (entry,) = arena.client.get("/api/scores/leaderboard").get_json()["entries"]
        assert entry["userId"] == player["userId"]
        return entry.get("displayName"), entry.get("country")

    assert shown() == ("Ada L\u00e9", "GB")
    again = arena.post(PLAYERS, {"players": [{"externalId": "steam:1"}]}).get_json()["players"]
    assert (again[0]["created"], shown()) == (False, ("Ada L\u00e9", "GB"))
    arena.post(PLAYERS, {"players": [{"externalId": "steam:1", "displayName": "Grace"}]})
    assert shown() == ("Grace", "GB")


def test_a_display_name_that_is_somebody_s_username_is_refused(arena: GameServer, ada: Player, engine: Engine) -> None:
    players = [{"externalId": "steam:1", "displayName": "\uff21da"}, {"externalId": "steam:2", "displayName": "Grace"}]
    body = arena.post(PLAYERS, {"players": players}).get_json()
    assert [known["externalId"] for known in body["players"]] == ["steam:2"]
    assert body["refused"][0]["index"] == 0
    assert "displayName: must not be the username of another player" in body["refused"][0]["message"]
    assert count_users(engine) == 2


@pytest.mark.parametrize(
    "body", [{}, {"players": []}, {"players": "all"}, {"players": [{}] * 1001}, {"players": [{}], "more": 1}]
)
def test_what_is_no_list_of_players_is_refused_whole(arena: GameServer, body: object) -> None:
    answer = arena.post(PLAYERS, body)
    assert (answer.status_code, error_code(answer)) == (400, "validation_failed")


def test_any_printable_id_is_kept_as_it_is(arena: GameServer) -> None:
    odd = ["{}", '"', "\\", "%s", "a,b", "NULL", "'", "x" * 128, '{"a",b}']
    assert list(made(arena, *odd)) == odd
    assert made(arena, *odd) == made(arena, *odd)


def test_two_servers_that_meet_the_same_new_players_at_once_get_the_same_users(engine: Engine) -> None:
    names = [f"player-{number}" for number in range(200)]
    found: list[dict[str, identities.Known]] = []
    start = threading.Barrier(4)

    def meet(order: list[str]) -> None:
        start.wait()
        with engine.begin() as connection:
            found.append(identities.ensure(connection, "arena", order))

    threads = [threading.Thread(target=meet, args=(order,)) for order in (names, names[::-1]) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for name in names:
        assert len({each[name].user_id for each in found}) == 1
        assert sum(each[name].created for each in found) == 1
    assert count_users(engine) == len(names)


# -- batches -----------------------------------------------------------------------------------------------------------


def test_a_game_server_scores_players_it_never_registered(arena: GameServer, worker: WorkerState) -> None:
    updates = [of(f"steam:{number}", action) for number in range(3) for action in ("win-match", "share")]
    body = {"updates": updates, "createPlayers": True}
    assert arena.post(BATCH, body).get_json() == {"accepted": 6, "replayed": 0, "refused": []}
    again = arena.post(BATCH, body).get_json()
    assert (again["accepted"], again["replayed"]) == (0, 6)
    drain_completely(worker)
    players = made(arena, *(f"steam:{number}" for number in range(3)))
    assert board_of(worker) == dict.fromkeys(players.values(), 26)
    target = f"/api/scores/updates/{updates[0]['idempotencyKey']}?externalId=steam:0"
    outcome = arena.client.get(target, headers=arena.headers_to_read(target)).get_json()
    assert (outcome["status"], outcome["update"]["userId"]) == ("applied", players["steam:0"])


def test_a_player_who_is_unknown_is_refused_unless_the_batch_makes_players(
    arena: GameServer, worker: WorkerState
) -> None:
    answer = arena.send(of("steam:1"))
    (refusal,) = answer.get_json()["refused"]
    assert (answer.status_code, refusal["code"]) == (400, "unknown_user")
    assert "'steam:1'" in refusal["message"]
    assert (count_users(worker.engine), worker.inbox.depth()) == (0, 0)


def test_no_player_is_made_for_an_update_that_is_refused(arena: GameServer, worker: WorkerState) -> None:
    bad = [of("a", "no-such-action"), of("b", timestamp="2026-01-01T00:00:00Z"), of("c", points=5)]
    answer = arena.post(BATCH, {"updates": bad, "createPlayers": True})
    assert answer.status_code == 400
    assert count_users(worker.engine) == 0


@pytest.mark.parametrize(
    "dies", ["before the players are made", "before the inbox accepts", "after the inbox accepted"]
)
def test_a_crash_in_the_middle_leaves_no_points_without_a_player_and_a_retry_counts_once(
    arena: GameServer, worker: WorkerState, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    body = {"updates": [of("steam:1"), of("steam:2")], "createPlayers": True}
    accept_all = Inbox.accept_all

    class Died(BaseException):
        """No handler of the web catches it, as nothing catches a kill."""

    def die(*_arguments: object, **_more: object) -> None:
        raise Died

    def accept_and_die(*arguments: object) -> None:
        accept_all(*arguments)  # type: ignore[arg-type]  # as they came
        raise Died

    with monkeypatch.context() as patch:
        if dies == "before the players are made":
            patch.setattr(identities, "ensure", die)
        else:
            patch.setattr(Inbox, "accept_all", die if dies == "before the inbox accepts" else accept_and_die)
        with pytest.raises(Died):
            arena.post(BATCH, body)
    drain_completely(worker)
    assert set(board_of(worker)) <= set(made(arena, "steam:1", "steam:2").values())
    answer = arena.post(BATCH, body)
    assert answer.status_code == 202
    drain_completely(worker)
    assert board_of(worker) == dict.fromkeys(made(arena, "steam:1", "steam:2").values(), 25)


def test_the_items_name_a_player_by_one_id_alone(arena: GameServer, engine: Engine) -> None:
    (ada,) = add_users(engine, 1)
    both = {**of("steam:1"), "userId": ada}
    neither = of("steam:1")
    del neither["externalId"]
    for update in (both, neither):
        (refusal,) = arena.post(BATCH, {"updates": [update], "createPlayers": True}).get_json()["refused"]
        assert refusal["code"] == "validation_failed"
        assert "exactly one of userId and externalId" in refusal["message"]


# -- realms ------------------------------------------------------------------------------------------------------------


def test_the_ids_of_two_realms_never_meet_and_no_key_touches_the_others(
    server_of: ServerOf, worker: WorkerState
) -> None:
    arena, castle = server_of(realm="arena"), server_of(realm="castle")
    ours, theirs = made(arena, "player-1")["player-1"], made(castle, "player-1")["player-1"]
    assert ours != theirs
    assert arena.send(item(ours, key="round-0001")).get_json()["accepted"] == 1
    (refusal,) = castle.send(item(ours)).get_json()["refused"]
    assert refusal["code"] == "unknown_user"
    assert castle.outcome(ours, "round-0001").status_code == 404
    assert arena.outcome(ours, "round-0001").status_code == 200
    drain_completely(worker)
    assert board_of(worker) == {ours: 25}


def test_any_key_may_name_who_has_registered(server_of: ServerOf, ada: Player) -> None:
    for realm in ("arena", "castle"):
        assert server_of(realm=realm).send(item(ada.user_id)).get_json()["accepted"] == 1


# -- scopes and actions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "scope"),
    [
        (PLAYERS, {"players": [{"externalId": "a"}]}, Scope.PLAYERS),
        (EXCHANGE, {"externalId": "a"}, Scope.PLAYERS),
        (BATCH, {"updates": [of("a")]}, Scope.SUBMIT),
    ],
)
def test_a_stolen_key_opens_nothing_outside_its_scopes(
    server_of: ServerOf, engine: Engine, path: str, body: object, scope: Scope
) -> None:
    stolen = server_of(*(other for other in Scope if other is not scope))
    answer = stolen.post(path, body)
    assert (answer.status_code, error_code(answer)) == (403, "api_key_scope")
    assert answer.get_json()["error"]["details"] == {"scope": scope}
    assert count_users(engine) == 0


def test_a_key_that_submits_makes_no_players_without_their_scope(server_of: ServerOf, engine: Engine) -> None:
    stolen = server_of(Scope.SUBMIT)
    answer = stolen.post(BATCH, {"updates": [of("steam:1")], "createPlayers": True})
    assert (answer.status_code, error_code(answer)) == (403, "api_key_scope")
    assert answer.get_json()["error"]["details"] == {"scope": "players"}
    assert count_users(engine) == 0


@pytest.mark.parametrize(("scope", "status"), [(Scope.SUBMIT, 404), (Scope.READ, 404), (Scope.PLAYERS, 403)])
def test_a_receipt_is_read_by_who_may_submit_or_read(
    server_of: ServerOf, ada: Player, scope: Scope, status: int
) -> None:
    assert server_of(scope).outcome(ada.user_id, "unknown-key").status_code == status


def test_a_key_submits_its_actions_alone(server_of: ServerOf, ada: Player, worker: WorkerState) -> None:
    server = server_of(actions=("win-*", "share"))
    answer = server.send(
        item(ada.user_id, "win-match"), item(ada.user_id, "share"), item(ada.user_id, "complete-level", "level-0001")
    ).get_json()
    assert answer["accepted"] == 2
    assert [(each["index"], each["code"], each["idempotencyKey"]) for each in answer["refused"]] == [
        (2, "action_not_allowed", "level-0001")
    ]
    drain_completely(worker)
    assert board_of(worker) == {ada.user_id: 26}


def test_an_operator_says_what_a_key_may_do(command_line: CommandLine, client: FlaskClient) -> None:
    options = (
        "--scope",
        "submit,players",
        "--scope",
        "read",
        "--realm",
        "arena",
        "--action",
        "lap-*",
        "--action",
        "win",
    )
    made_key = json.loads(command_line("keys", "create", "arena", *options, "--json").stdout)
    plain = json.loads(command_line("keys", "create", "plain", "--json").stdout)
    listed = {key["id"]: key for key in json.loads(command_line("keys", "list", "--json").stdout)}
    told = {name: listed[made_key["id"]][name] for name in ("scopes", "realm", "actions")}
    assert told == {"scopes": ["players", "read", "submit"], "realm": "arena", "actions": ["lap-*", "win"]}
    told = {name: listed[plain["id"]][name] for name in ("scopes", "realm", "actions")}
    assert told == {"scopes": ["submit"], "realm": "default", "actions": None}
    assert "lap-*" in command_line("keys", "list").stdout
    assert made(GameServer(client, made_key["id"], made_key["secret"]), "steam:1")


@pytest.mark.parametrize(
    "options",
    [
        ("--scope", "admin"),
        ("--scope", ""),
        ("--scope", "submit,"),
        ("--realm", ""),
        ("--realm", "A b"),
        ("--realm", "x" * 65),
        ("--action", "*lap"),
        ("--action", "lap-*-x"),
        ("--action", "Lap"),
        ("--action", ""),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(command_line: CommandLine, options: tuple[str, str]) -> None:
    done = command_line("keys", "create", "arena", *options)
    assert done.returncode == 2, done.stderr
    assert options[0] in done.stderr
    assert json.loads(command_line("keys", "list", "--json").stdout) == []


# -- exchange ----------------------------------------------------------------------------------------------------------


def test_a_game_hands_its_player_a_session_that_watches_and_claims(
    arena: GameServer, worker: WorkerState, draining: None
) -> None:
    (user_id,) = made(arena, "steam:1").values()
    answer = arena.post(EXCHANGE, {"externalId": "steam:1"})
    assert answer.status_code == 200
    player = Player(arena.client, answer.get_json())
    assert player.user_id == user_id
    assert player.update("share").status_code == 200
    assert arena.client.post("/api/auth/ticket", headers=player.headers).status_code == 200
    refreshed = arena.client.post("/api/auth/refresh", json={"refreshToken": player.login["refreshToken"]})
    assert refreshed.status_code == 200
    assert arena.client.post("/api/auth/logout", headers=player.headers).status_code == 200
    assert player.update("share").status_code == 401


def test_nobody_is_exchanged_who_is_unknown_of_another_realm_or_suspended(
    server_of: ServerOf, worker: WorkerState
) -> None:
    arena = server_of()
    (user_id,) = made(arena, "steam:1").values()
    for server, external_id in ((arena, "steam:2"), (server_of(realm="castle"), "steam:1")):
        answer = server.post(EXCHANGE, {"externalId": external_id})
        assert (answer.status_code, error_code(answer)) == (400, "unknown_user")
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE users SET suspended_at = now() WHERE id = :id"), {"id": user_id})
    answer = arena.post(EXCHANGE, {"externalId": "steam:1"})
    assert (answer.status_code, error_code(answer)) == (403, "account_suspended")
    assert arena.send(of("steam:1")).get_json()["refused"][0]["code"] == "account_suspended"


# -- honest answers ----------------------------------------------------------------------------------------------------


def test_a_batch_that_waits_is_answered_with_the_outcomes(
    arena: GameServer, worker: WorkerState, draining: None
) -> None:
    before = of("steam:1", "share", key="round-0001")
    arena.post(BATCH, {"updates": [before], "createPlayers": True}, Prefer="wait=5")
    updates = [of("steam:1"), of("nobody"), before, of("steam:1", "share")]
    answer = arena.post(BATCH, {"updates": updates}, Prefer="wait=5")
    body = answer.get_json()
    assert (answer.status_code, body["accepted"], body["replayed"]) == (200, 2, 1)
    assert body["replays"] == [{"idempotencyKey": "round-0001", "status": "applied"}]
    assert [receipt and receipt["status"] for receipt in body["outcomes"]] == ["applied", None, "applied", "applied"]
    assert [receipt["update"]["points"] for receipt in body["outcomes"] if receipt] == [25, 1, 1]
    assert body["outcomes"][0]["entry"]["rank"] == 1
    worker.redis.flushall()
    again = arena.post(BATCH, {"updates": [before]}, Prefer="wait=5").get_json()
    assert again["outcomes"][0]["status"] == "applied"


def test_a_batch_that_waits_in_vain_says_what_is_accepted(arena: GameServer, worker: WorkerState) -> None:
    answer = arena.post(BATCH, {"updates": [of("steam:1")], "createPlayers": True}, Prefer="wait=1")
    assert (answer.status_code, answer.get_json()["outcomes"][0]["status"]) == (200, "accepted")


def test_a_batch_of_which_nothing_is_good_is_a_400_with_the_reasons(arena: GameServer, worker: WorkerState) -> None:
    for prefer in ("", "wait=5"):
        answer = arena.post(BATCH, {"updates": [of("nobody", key="round-0001"), {}]}, Prefer=prefer)
        body = answer.get_json()
        assert (answer.status_code, body["accepted"], body["replayed"]) == (400, 0, 0)
        assert [refusal.get("idempotencyKey") for refusal in body["refused"]] == ["round-0001", None]
        assert body.get("outcomes", [None, None]) == [None, None]
