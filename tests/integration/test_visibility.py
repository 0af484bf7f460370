"""Named, anonymous, unlisted: nobody is told the name or the id of who is not named, and their own view is whole."""

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from common.core.timestamps import format_instant
from common.domain import passwords, periods
from common.domain.details import ANONYMOUS
from common.domain.pagination import FIRST
from common.domain.permissions import Permissions, Scope
from common.domain.shown import Gate
from common.domain.stand_ins import StandIns
from common.postgres import period_closing, standings, users
from common.redis_store import keys
from common.services import showing
from common.services.leaderboard import Leaderboard
from tests.conftest import BOTH_WAYS
from tests.game_server import GameServer, game_server
from tests.inbox import accept, add_users, board_of, drain_completely
from tests.player import PASSWORD, Player, error_code, log_in, register
from web.live import frames
from web.live.group import Group, Watch
from web.pages import home
from workers import maintenance, snapshots
from workers.state import WorkerState

PERIODS = ("all", "daily", "weekly", "monthly")


@pytest.fixture
def chief(client: FlaskClient, worker: WorkerState) -> Player:
    with worker.engine.begin() as connection:
        users.create(connection, "chief", passwords.hashed(PASSWORD), "admin")
    return log_in(client, "chief")


@pytest.fixture
def grace(client: FlaskClient, worker: WorkerState) -> Player:
    """A player between two others: 100, 25 and 1 points."""
    player = register(client, "grace-hopper")
    first, last = add_users(worker.engine, 2)
    for user_id, action in ((first, "win-tournament"), (player.user_id, "win-match"), (last, "share")):
        accept(worker, user_id, action)
    drain_completely(worker)
    profile = {"displayName": "Amazing", "country": "US"}
    assert client.post("/api/me/profile", json=profile, headers=player.headers).status_code == 200
    return player


def choose(player: Player, visibility: str) -> None:
    answer = player.client.post("/api/me/visibility", json={"visibility": visibility}, headers=player.headers)
    assert (answer.status_code, answer.get_json()) == (200, {"visibility": visibility})


def entries(client: FlaskClient, query: str = "", **more: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    page = client.get(f"/api/scores/leaderboard?{query}", **more).get_json()
    assert page["total"] >= len(page["entries"])
    return list(page["entries"])


def no_drift(worker: WorkerState) -> bool:
    players = worker.verifier.players(str(uuid.UUID(int=0)))
    return worker.verifier.check(players) == [] and worker.verifier.surplus("main", "all") == 0


@BOTH_WAYS
def test_an_anonymous_row_keeps_its_rank_and_tells_nobody_whose_it_is(
    client: FlaskClient, grace: Player, worker: WorkerState
) -> None:
    choose(grace, "anonymous")
    row = entries(client)[1]
    assert set(row) == {"userId", "username", "score", "rank", "lastUpdated"}
    assert (row["username"], row["score"], row["rank"]) == (ANONYMOUS, 25, 2)
    assert uuid.UUID(row["userId"]).version == 8
    for period in PERIODS:
        assert entries(client, f"period={period}")[1]["userId"] == row["userId"]
    assert error_code(client.get(f"/api/scores/user/{grace.user_id}")) == "not_found"
    assert error_code(client.get(f"/api/scores/user/{row['userId']}")) == "not_found"
    assert client.get(f"/api/scores/leaderboard?around={grace.user_id}").get_json()["found"] is False
    around = client.get(f"/api/scores/leaderboard?around={row['userId']}&limit=1").get_json()
    assert (around["found"], around["entries"]) == (True, [row])
    worker.redis.flushdb()
    assert entries(client)[1] == row
    assert client.get(f"/api/scores/leaderboard?around={row['userId']}&limit=1").get_json()["entries"] == [row]


@BOTH_WAYS
def test_an_anonymous_player_sees_themselves_and_under_which_id_they_are_listed(
    client: FlaskClient, grace: Player
) -> None:
    choose(grace, "anonymous")
    answer = client.get(f"/api/scores/user/{grace.user_id}", headers=grace.headers)
    own = answer.get_json()
    assert (own["userId"], own["username"], own["displayName"]) == (grace.user_id, "grace-hopper", "Amazing")
    assert (own["score"], own["rank"], own["listedAs"]) == (25, 2, entries(client)[1]["userId"])
    assert answer.headers["Cache-Control"].startswith("private")
    assert "Authorization" in answer.headers["Vary"]


def test_a_stand_in_leads_to_nobody_once_its_player_is_named(client: FlaskClient, grace: Player) -> None:
    choose(grace, "anonymous")
    stand_in = entries(client)[1]["userId"]
    choose(grace, "named")
    assert entries(client)[1]["userId"] == grace.user_id
    assert client.get(f"/api/scores/leaderboard?around={stand_in}").get_json()["found"] is False
    assert client.get(f"/api/scores/leaderboard?around={grace.user_id}").get_json()["found"] is True


def test_ranks_close_up_over_an_unlisted_player_who_still_sees_what_they_have(
    client: FlaskClient, grace: Player, worker: WorkerState
) -> None:
    choose(grace, "unlisted")
    for period in PERIODS:
        assert [(row["rank"], row["score"]) for row in entries(client, f"period={period}")] == [(1, 100), (2, 1)]
    assert error_code(client.get(f"/api/scores/user/{grace.user_id}")) == "not_found"
    assert client.get(f"/api/scores/leaderboard?around={grace.user_id}").get_json()["found"] is False
    own = client.get(f"/api/scores/user/{grace.user_id}", headers=grace.headers).get_json()
    assert (own["score"], own["rank"], own["wouldRank"], own["listed"]) == (25, None, 2, False)
    assert own["why"] == "unlisted"
    accept(worker, grace.user_id, "win-tournament")
    drain_completely(worker)
    own = client.get(f"/api/scores/user/{grace.user_id}", headers=grace.headers).get_json()
    assert (own["score"], own["rank"], own["wouldRank"]) == (125, None, 1)
    assert no_drift(worker)
    choose(grace, "named")
    assert [row["score"] for row in entries(client)] == [125, 100, 1]
    assert no_drift(worker)


def test_who_is_unlisted_before_the_first_point_is_never_listed(client: FlaskClient, worker: WorkerState) -> None:
    alan = register(client, "alan")
    choose(alan, "unlisted")
    accept(worker, alan.user_id)
    drain_completely(worker)
    assert entries(client) == []
    own = client.get(f"/api/scores/user/{alan.user_id}", headers=alan.headers).get_json()
    assert (own["score"], own["wouldRank"], own["listed"]) == (25, 1, False)
    choose(alan, "anonymous")
    assert [row["username"] for row in entries(client)] == [ANONYMOUS]


def test_a_closed_period_keeps_the_ranks_it_had(client: FlaskClient, grace: Player, worker: WorkerState) -> None:
    day = periods.ids_at(datetime.now(UTC))[1]
    with worker.engine.begin() as connection:
        assert period_closing.close(connection, "main", day, datetime.now(UTC) + timedelta(days=2))
    choose(grace, "unlisted")
    final = entries(client, f"period={day}")
    assert [(row["rank"], row["score"]) for row in final] == [(1, 100), (2, 25), (3, 1)]
    assert final[1]["username"] == ANONYMOUS
    assert [row["score"] for row in entries(client)] == [100, 1]
    own = client.get(f"/api/scores/user/{grace.user_id}?period={day}", headers=grace.headers).get_json()
    assert (own["rank"], own["listedAs"]) == (2, final[1]["userId"])
    choose(grace, "named")
    assert entries(client, f"period={day}")[1]["userId"] == grace.user_id
    assert no_drift(worker)


def test_two_reasons_to_be_hidden_end_one_by_one(
    client: FlaskClient, grace: Player, chief: Player, worker: WorkerState
) -> None:
    def moderate(what: str) -> None:
        path = f"/api/admin/users/{grace.user_id}/{what}"
        assert client.post(path, json={}, headers=chief.headers).status_code == 200

    choose(grace, "unlisted")
    moderate("suspend")
    moderate("reinstate")
    assert grace.user_id not in board_of(worker)
    back = log_in(client, "grace-hopper")
    choose(back, "named")
    assert board_of(worker)[grace.user_id] == 25
    moderate("suspend")
    with worker.engine.begin() as connection:  # as a version before did it, which knows no reasons
        connection.execute(text("UPDATE standings SET hidden_for = 0 WHERE hidden"))
    moderate("reinstate")
    assert board_of(worker)[grace.user_id] == 25
    assert no_drift(worker)


@BOTH_WAYS
def test_admins_are_shown_who_everybody_is_and_no_cache_keeps_it(
    client: FlaskClient, grace: Player, chief: Player
) -> None:
    choose(grace, "anonymous")
    answer = client.get("/api/scores/leaderboard", headers=chief.headers)
    assert answer.get_json()["entries"][1]["displayName"] == "Amazing"
    assert answer.headers["Cache-Control"].startswith("private")
    assert "Authorization" in answer.headers["Vary"]
    place = client.get(f"/api/scores/user/{grace.user_id}", headers=chief.headers).get_json()
    assert (place["rank"], place["username"]) == (2, "grace-hopper")
    assert entries(client, headers=grace.headers)[1]["username"] == ANONYMOUS


def test_a_switch_is_an_ordinary_delta_which_removes_one_id_and_adds_the_other(
    grace: Player, worker: WorkerState
) -> None:
    secret = grace.client.application.extensions["scoreboard"].settings.secret_keys
    leaderboard = Leaderboard(worker.board, worker.engine, Gate(StandIns(secret)))
    group = Group(Watch("main", "all", 10), "all", leaderboard.top("main", "all", 10))
    choose(grace, "anonymous")
    after = leaderboard.live_top("main", "all", 10)
    assert after
    frame = group.advance("all", after)
    assert frame
    assert b'"type":"delta"' in frame
    assert frame.count(grace.user_id.encode()) == 1  # in `removed`
    assert ANONYMOUS.encode() in frame
    assert b"Amazing" not in frame


def test_a_switch_whose_process_died_is_shown_by_the_next_sweep(
    client: FlaskClient, grace: Player, worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr(showing, "show", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            choose(grace, "unlisted")
    maintenance.show_changes(worker)
    assert grace.user_id not in board_of(worker)
    assert no_drift(worker)


@pytest.mark.parametrize("body", [{}, {"visibility": "hidden"}, {"visibility": None}, {"visibility": "named", "x": 1}])
def test_bad_input_changes_nothing(client: FlaskClient, grace: Player, body: dict[str, Any]) -> None:
    answer = client.post("/api/me/visibility", json=body, headers=grace.headers)
    assert error_code(answer) == "validation_failed"
    assert client.get("/api/me", headers=grace.headers).get_json()["visibility"] == "named"


def test_new_players_stand_on_boards_as_the_operator_has_set(
    client: FlaskClient, make_settings: Callable[..., Any], worker: WorkerState
) -> None:
    from tests.documents import documented_application  # noqa: PLC0415

    with documented_application(make_settings(SCOREBOARD_VISIBILITY_DEFAULT="anonymous")) as application:
        alan = register(application.test_client(), "alan")
        me = alan.client.get("/api/me", headers=alan.headers).get_json()
        assert me["visibility"] == "anonymous"


# -- the policy: every address is walked -------------------------------------------------------------------------------

ARGUMENTS = {"snapshot_id": "1", "idempotency_key": "a-key-of-ours", "name": "1", "filename": "favicon.svg"}


def addresses_to_read(app: Flask, someone: str) -> Iterator[str]:
    """Every address that is read, with the player's own id where it takes one, and the board that there is."""
    arguments = {**ARGUMENTS, "user_id": someone}
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.rule.startswith("/ws/"):
            yield re.sub(r"<(?:\w+:)?(\w+)>", lambda match: arguments.get(match[1], "main"), rule.rule)


@pytest.mark.parametrize("visibility", ["anonymous", "unlisted"])
@pytest.mark.parametrize("redis_is_empty", [False, True])
def test_no_public_address_tells_the_name_or_the_id_of_who_is_not_named(  # noqa: PLR0917 - two of them are cases
    app: Flask, client: FlaskClient, grace: Player, worker: WorkerState, visibility: str, redis_is_empty: bool
) -> None:
    snapshots.take_all(worker)
    day = periods.ids_at(datetime.now(UTC))[1]
    with worker.engine.begin() as connection:
        assert period_closing.close(connection, "main", day, datetime.now(UTC) + timedelta(days=2))
    choose(grace, visibility)
    home.forget_rendered(app)
    if redis_is_empty:
        worker.redis.flushdb()
    secrets_of_grace = (grace.user_id, "grace-hopper", "Amazing")
    addresses = list(addresses_to_read(app, grace.user_id))
    of_grace = {f"/p/{grace.user_id}", f"/api/scores/user/{grace.user_id}/history"}
    of_grace |= {f"/api/scores/user/{grace.user_id}/events", f"/api/admin/users/{grace.user_id}", "/api/admin/players"}
    assert {"/", "/api/scores/leaderboard", "/api/scores/snapshots/1", "/api/scores/race", *of_grace} <= set(addresses)
    now = format_instant(datetime.now(UTC))
    queries = ["", "?period=daily", "?limit=100", f"?around={grace.user_id}", "?aroundScore=25", "?movement=day"]
    queries.append(f"?at={now}")
    for address in addresses:
        for query in queries if address in ("/", "/api/scores/leaderboard") else ("",):
            answer = client.get(address + query)
            told = [word for word in secrets_of_grace if word in answer.text]
            assert told == [], (address, query, answer.text[:500])
    sought = {"board": "main", "userIds": [grace.user_id]}
    found = client.post("/api/scores/lookup", json=sought).get_json()
    assert (found["entries"], found["notFound"]) == ([], [grace.user_id])


@pytest.mark.parametrize("visibility", ["anonymous", "unlisted"])
def test_no_frame_tells_it_either(grace: Player, worker: WorkerState, visibility: str) -> None:
    secret = grace.client.application.extensions["scoreboard"].settings.secret_keys
    leaderboard = Leaderboard(worker.board, worker.engine, Gate(StandIns(secret)))
    choose(grace, visibility)
    for period_id in periods.ids_at(datetime.now(UTC)):
        top = leaderboard.live_top("main", period_id, 100)
        assert top
        page = leaderboard.page("main", period_id, 100, FIRST)
        for frame in (frames.snapshot("main", period_id, 100, top), frames.snapshot("main", period_id, 100, page.rows)):
            assert not any(word in frame for word in (grace.user_id.encode(), b"grace-hopper", b"Amazing"))


def test_an_entry_that_has_not_passed_the_gate_is_shown_to_nobody(grace: Player, worker: WorkerState) -> None:
    choose(grace, "anonymous")
    raw = worker.board.page("main", "all", 10, FIRST).rows.entries[1]
    with pytest.raises(RuntimeError, match="gate"):
        raw.to_wire()
    assert worker.redis.hget(keys.user_details(grace.user_id), "visibility") == "anonymous"


def test_a_follower_who_is_not_named_is_told_their_own_place_and_others_theirs(
    client: FlaskClient, grace: Player, worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = client.application.extensions["scoreboard"].settings.secret_keys
    leaderboard = Leaderboard(worker.board, worker.engine, Gate(StandIns(secret)))
    alan = register(client, "alan")
    accept(worker, alan.user_id, "win-match")
    drain_completely(worker)

    def places() -> dict[str, Any]:
        found = leaderboard.live_places("main", "all", [grace.user_id, alan.user_id])
        assert found
        return {user_id: place.to_wire() for user_id, place in found.of.items()}

    choose(grace, "anonymous")
    assert places()[grace.user_id]["listedAs"] == entries(client)[1]["userId"]
    choose(grace, "unlisted")
    told = places()[grace.user_id]
    assert (told["score"], told["rank"], told["wouldRank"], told["why"]) == (25, None, 2, "unlisted")
    monkeypatch.setattr(standings, "read", _away)
    assert set(places()) == {alan.user_id}


def _away(*_: object) -> None:
    raise OperationalError("SELECT", {}, Exception("away"))


def a_server(player: Player, worker: WorkerState, *scopes: Scope) -> GameServer:
    secret_key = player.client.application.extensions["scoreboard"].settings.secret_keys[0]
    return game_server(player.client, worker.engine, secret_key, Permissions(frozenset(scopes)))


@pytest.mark.parametrize("redis_is_empty", [False, True])
def test_nobody_finds_an_anonymous_player_by_the_id_but_themselves_and_who_may_know(
    client: FlaskClient, grace: Player, chief: Player, worker: WorkerState, redis_is_empty: bool
) -> None:
    choose(grace, "anonymous")
    if redis_is_empty:
        worker.redis.flushdb()
    sought = {"userIds": [grace.user_id]}
    boards = f"/api/scores/user/{grace.user_id}/boards"
    hidden = client.post("/api/scores/lookup", json=sought)
    assert (hidden.get_json()["entries"], hidden.get_json()["notFound"]) == ([], [grace.user_id])
    assert "grace-hopper" not in hidden.text
    assert client.get(boards).status_code == 404
    for insider in (grace, chief):
        (found,) = client.post("/api/scores/lookup", json=sought, headers=insider.headers).get_json()["entries"]
        assert (found["userId"], found["username"], found["rank"]) == (grace.user_id, "grace-hopper", 2)
        (on_main,) = client.get(boards, headers=insider.headers).get_json()["boards"]
        assert (on_main["board"], on_main["rank"]) == ("main", 2)
    reader = a_server(grace, worker, Scope.READ)
    found_ids = [found["userId"] for found in reader.post("/api/scores/lookup", sought).get_json()["entries"]]
    assert found_ids == [grace.user_id]
    assert len(client.get(boards, headers=reader.headers_to_read(boards)).get_json()["boards"]) == 1


def test_an_unlisted_player_is_found_on_no_board(client: FlaskClient, grace: Player) -> None:
    choose(grace, "unlisted")
    body = client.post("/api/scores/lookup", json={"userIds": [grace.user_id]}).get_json()
    assert (body["entries"], body["notFound"], body["total"]) == ([], [grace.user_id], 2)
    assert client.get(f"/api/scores/user/{grace.user_id}/boards").status_code == 404


def test_a_key_that_reads_is_shown_who_is_who_and_any_other_what_everybody_is(
    client: FlaskClient, grace: Player, worker: WorkerState
) -> None:
    choose(grace, "anonymous")
    path = "/api/scores/leaderboard?aroundScore=24"
    for scope, name in ((Scope.READ, "grace-hopper"), (Scope.SUBMIT, ANONYMOUS)):
        answer = client.get(path, headers=a_server(grace, worker, scope).headers_to_read(path))
        assert answer.status_code == 200
        assert [entry["username"] for entry in answer.get_json()["entries"]][1] == name
        assert ("private" in answer.headers["Cache-Control"]) is (scope is Scope.READ)
