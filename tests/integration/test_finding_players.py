"""Players who are looked for: friends on a board, one player on all boards, and where a score would stand."""

import secrets

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from common.core.settings import Settings
from common.domain import pagination
from common.domain.permissions import Permissions, Scope
from common.domain.scoring import Action
from common.postgres import score_places
from tests.conftest import BOTH_WAYS
from tests.game_server import GameServer, game_server
from tests.inbox import accept, add_action, add_users, drain_completely
from tests.player import error_code
from workers.state import WorkerState

LOOKUP = "/api/scores/lookup"
LEADERBOARD = "/api/scores/leaderboard"
NOBODY = "11111111-1111-4111-8111-111111111111"
POINTS = {"win-tournament": 100, "win-match": 25, "complete-level": 10, "share": 1}


@pytest.fixture
def arena(client: FlaskClient, worker: WorkerState, settings: Settings) -> GameServer:
    permissions = Permissions(frozenset({Scope.READ, Scope.PLAYERS}), "arena")
    return game_server(client, worker.engine, settings.secret_key.get_secret_value(), permissions)


@pytest.fixture
def players(worker: WorkerState) -> list[str]:
    """Four with 100, 25, 10 and 1 points, and one who has not scored."""
    found = add_users(worker.engine, 5)
    for player, action in zip(found, POINTS, strict=False):
        accept(worker, player, action)
    drain_completely(worker)
    return found


def without_redis(worker: WorkerState) -> None:
    """Let Redis serve no board, so that PostgreSQL answers."""
    worker.redis.flushall()


@pytest.mark.parametrize("source", ["redis", "postgresql"])
def test_friends_are_found_best_first_with_their_place_among_each_other(
    client: FlaskClient, worker: WorkerState, players: list[str], source: str
) -> None:
    if source == "postgresql":
        without_redis(worker)
    asked = [players[3], players[4], NOBODY, players[1].upper()]
    body = client.post(LOOKUP, json={"board": "main", "period": "all", "userIds": asked}).get_json()
    assert [(each["userId"], each["score"], each["rank"], each["position"]) for each in body["entries"]] == [
        (players[1], 25, 2, 1),
        (players[3], 1, 4, 2),
    ]
    assert body["notFound"] == [players[4], NOBODY]
    assert body["total"] == 4
    assert all(each["username"] for each in body["entries"])


def test_a_game_finds_its_players_by_its_own_ids_and_those_of_no_other_game(
    arena: GameServer, worker: WorkerState
) -> None:
    ids = arena.post("/api/players", {"players": [{"externalId": "one"}, {"externalId": "two"}]}).get_json()["players"]
    accept(worker, ids[0]["userId"], "share")
    drain_completely(worker)
    body = arena.post(LOOKUP, {"externalIds": ["two", "nobody", "one"]}).get_json()
    assert [(each["externalId"], each["userId"]) for each in body["entries"]] == [("one", ids[0]["userId"])]
    assert body["notFound"] == ["two", "nobody"]
    nobody = arena.post(LOOKUP, {"externalIds": ["nobody"]}).get_json()
    assert (nobody["entries"], nobody["notFound"], nobody["total"]) == ([], ["nobody"], 1)


def test_external_ids_are_looked_up_with_a_key_that_may_read(
    client: FlaskClient, worker: WorkerState, settings: Settings
) -> None:
    answer = client.post(LOOKUP, json={"externalIds": ["one"]})
    assert (answer.status_code, error_code(answer)) == (401, "api_key_invalid")
    submitting = game_server(client, worker.engine, settings.secret_key.get_secret_value())
    answer = submitting.post(LOOKUP, {"externalIds": ["one"]})
    assert (answer.status_code, error_code(answer)) == (403, "api_key_scope")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "validation_failed"),
        ({"userIds": []}, "validation_failed"),
        ({"userIds": [NOBODY] * 101}, "validation_failed"),
        ({"userIds": ["ada"]}, "validation_failed"),
        ({"userIds": NOBODY}, "validation_failed"),
        ({"userIds": [NOBODY], "externalIds": ["a"]}, "validation_failed"),
        ({"externalIds": ["with space"]}, "validation_failed"),
        ({"userIds": [NOBODY], "board": "no-such-board"}, "unknown_board"),
        ({"userIds": [NOBODY], "period": "yearly"}, "validation_failed"),
        ({"userIds": [NOBODY], "period": "2026-13"}, "validation_failed"),
        ({"userIds": [NOBODY], "limit": 5}, "validation_failed"),
    ],
)
def test_a_lookup_that_makes_no_sense_is_refused(client: FlaskClient, body: object, code: str) -> None:
    answer = client.post(LOOKUP, json=body)
    assert (answer.status_code, error_code(answer)) == (400, code)


def test_friends_of_a_period_that_never_was_are_not_found(client: FlaskClient, players: list[str]) -> None:
    body = client.post(LOOKUP, json={"userIds": players, "period": "1999-W01"}).get_json()
    assert (body["entries"], body["notFound"], body["total"]) == ([], players, 0)


@pytest.mark.parametrize("source", ["redis", "postgresql"])
def test_a_player_is_told_every_board_on_which_they_stand(
    client: FlaskClient, worker: WorkerState, players: list[str], source: str
) -> None:
    with worker.engine.begin() as connection:
        for board_id, visibility in (("laps", "public"), ("secret", "hidden"), ("members", "players")):
            connection.execute(
                text("INSERT INTO boards (id, visibility) VALUES (:id, :visibility)"),
                {"id": board_id, "visibility": visibility},
            )
    action = add_action(worker, Action("lap", 1, 7, ("laps", "secret", "members")))
    client.application.extensions["scoreboard"].catalogue._read_at = 0.0
    accept(worker, players[1], action)
    drain_completely(worker)
    if source == "postgresql":
        without_redis(worker)
    for period in ("all", "weekly"):
        body = client.get(f"/api/scores/user/{players[1]}/boards?period={period}").get_json()
        assert [(each["board"], each["score"], each["rank"], each["total"]) for each in body["boards"]] == [
            ("laps", 7, 1, 1),
            ("main", 25, 2, 4),
        ]
    assert client.get(f"/api/scores/user/{players[4]}/boards").get_json() == {"boards": []}
    assert client.get(f"/api/scores/user/{NOBODY}/boards").status_code == 404
    assert client.get(f"/api/scores/user/{players[1]}/boards?period=yearly").status_code == 400


@BOTH_WAYS
@pytest.mark.usefixtures("players")
@pytest.mark.parametrize(
    ("score", "rank", "scores"),
    [
        (1000, 1, [100, 25]),
        (100, 2, [100, 25]),
        (50, 2, [100, 25]),
        (10, 4, [10, 1]),
        (5, 4, [10, 1]),
        (-7, 5, [25, 10, 1]),
        (5, 4, [100, 25, 10, 1]),
    ],
)
def test_the_page_where_a_score_would_stand_is_the_same_from_both_servers(
    client: FlaskClient, worker: WorkerState, score: int, rank: int, scores: list[int]
) -> None:
    limit = len(scores)
    query = {"aroundScore": str(score), "limit": limit}
    body = client.get(LEADERBOARD, query_string=query).get_json()
    assert body["would"] == {"rank": rank}
    assert [entry["score"] for entry in body["entries"]] == scores
    assert "found" not in body
    with worker.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        page = score_places.page(connection, "main", "all", limit, pagination.around_score(score))
    assert [entry.to_wire() for entry in page.rows.entries] == body["entries"]
    assert page.would_rank == rank
    without_redis(worker)
    again = client.get(LEADERBOARD, query_string=query).get_json()
    assert [again[name] for name in ("entries", "would", "total")] == [
        body[name] for name in ("entries", "would", "total")
    ]


def test_pages_go_on_from_where_a_score_would_stand(client: FlaskClient, players: list[str]) -> None:
    middle = client.get(LEADERBOARD, query_string={"aroundScore": 20, "limit": 2}).get_json()
    assert [entry["score"] for entry in middle["entries"]] == [25, 10]
    following = client.get(LEADERBOARD, query_string={"cursor": middle["nextCursor"]}).get_json()
    assert [entry["score"] for entry in following["entries"]] == [1]
    before = client.get(LEADERBOARD, query_string={"cursor": middle["previousCursor"]}).get_json()
    assert [entry["score"] for entry in before["entries"]] == [100]


def test_on_an_empty_board_any_score_would_be_the_first(client: FlaskClient) -> None:
    for period in ("all", "1999-W01"):
        body = client.get(LEADERBOARD, query_string={"aroundScore": 5, "period": period}).get_json()
        assert (body["would"], body["entries"]) == ({"rank": 1}, [])


@pytest.mark.parametrize(
    "query",
    [
        {"aroundScore": "1_0"},
        {"aroundScore": "+5"},
        {"aroundScore": "5.0"},
        {"aroundScore": "five"},
        {"aroundScore": ""},
        {"aroundScore": str(2**53)},
        {"aroundScore": "9" * 30},
        {"aroundScore": "5", "around": NOBODY},
        {"aroundScore": "5", "cursor": secrets.token_urlsafe(8)},
    ],
)
def test_a_score_that_makes_no_sense_is_refused(client: FlaskClient, query: dict[str, str]) -> None:
    answer = client.get(LEADERBOARD, query_string=query)
    assert (answer.status_code, error_code(answer)) == (400, "validation_failed")
