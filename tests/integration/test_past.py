"""Reading the past: a board as of an instant, movement since yesterday, days and final places of players, and races."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from common.core.timestamps import format_instant
from common.domain.boards import Board, Visibility
from common.domain.details import ANONYMOUS
from common.domain.standing import Hidden
from common.postgres import ledger, standings
from tests.conftest import BOTH_WAYS
from tests.inbox import accept, add_users, drain_completely
from tests.past_days import ago, end, end_period, play
from tests.player import Player, admin, error_code, register
from workers.snapshots import take_all
from workers.state import WorkerState

BOARD = "/api/scores/leaderboard"
RACE = "/api/scores/race"
NOON = datetime.combine(ago(1), time(12), UTC)


def told(client: FlaskClient, path: str, **query: object) -> dict[str, Any]:
    answer = client.get(path, query_string=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def refusal(client: FlaskClient, path: str, **query: object) -> tuple[int, str]:
    answer = client.get(path, query_string=query)
    return answer.status_code, error_code(answer)


def add_board(worker: WorkerState, board: Board) -> None:
    with worker.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO boards (id, periods, visibility) VALUES (:id, :periods, :visibility)"),
            {"id": board.id, "periods": list(board.periods), "visibility": board.visibility.value},
        )
        connection.execute(text("UPDATE catalogue_version SET version = version + 1"))


@pytest.fixture
def moved(worker: WorkerState) -> tuple[str, str]:
    """Two players who have changed places since a snapshot of yesterday noon."""
    ada, ben = add_users(worker.engine, 2)
    play(worker, ago(1), (ada, "win-match"), (ben, "share"), hour=11)
    take_all(worker, NOON)
    play(worker, ago(1), (ben, "win-tournament"), hour=13)
    return ada, ben


@BOTH_WAYS
def test_a_board_is_shown_as_it_was_at_an_instant(client: FlaskClient, moved: tuple[str, str]) -> None:
    ada, ben = moved
    page = told(client, BOARD, at=format_instant(NOON + timedelta(minutes=1)))
    assert [(entry["userId"], entry["score"], entry["rank"]) for entry in page["entries"]] == [
        (ada, 25, 1),
        (ben, 1, 2),
    ]
    assert (page["board"], page["period"], page["total"], page["asOf"]) == ("main", "all", 2, format_instant(NOON))
    assert (page["nextCursor"], page["previousCursor"]) == (None, None)
    stored = told(client, f"/api/scores/snapshots/{page['snapshotId']}")
    assert (stored["entries"], stored["takenAt"]) == (page["entries"], page["asOf"])
    assert told(client, BOARD, at=format_instant(NOON), limit=1)["entries"] == page["entries"][:1]
    assert [entry["userId"] for entry in told(client, BOARD)["entries"]] == [ben, ada]


def test_a_period_by_its_name_is_the_one_that_was_open_then(client: FlaskClient, moved: tuple[str, str]) -> None:
    page = told(client, BOARD, at=format_instant(NOON), period="daily")
    assert (page["period"], len(page["entries"])) == (ago(1).isoformat(), len(moved))


def test_what_is_no_instant_of_the_past_is_refused(client: FlaskClient, moved: tuple[str, str]) -> None:
    assert refusal(client, BOARD, at=format_instant(NOON - timedelta(seconds=1))) == (404, "not_found")
    assert refusal(client, BOARD, at=format_instant(datetime.now(UTC) + timedelta(hours=1))) == (
        400,
        "validation_failed",
    )
    for at in ("2026-11-23", "1795430000", "yesterday", ""):
        assert refusal(client, BOARD, at=at) == (400, "validation_failed")
    elsewhere = {"cursor": "x", "around": moved[0], "aroundScore": 5, "movement": "day"}
    for name, value in elsewhere.items():
        assert refusal(client, BOARD, at=format_instant(NOON), **{name: value}) == (400, "validation_failed")


def test_the_past_is_revalidated_by_what_it_tells(client: FlaskClient, moved: tuple[str, str]) -> None:
    query = {"at": format_instant(NOON)}
    first = client.get(BOARD, query_string=query)
    again = client.get(BOARD, query_string=query, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, first.headers["Cache-Control"]) == (304, "public, no-cache")
    limited = client.get(BOARD, query_string={**query, "limit": 1}, headers={"If-None-Match": first.headers["ETag"]})
    assert limited.status_code == 200


@BOTH_WAYS
def test_movement_tells_how_many_places_were_gained_since_yesterday(client: FlaskClient, worker: WorkerState) -> None:
    ada, ben, cy = add_users(worker.engine, 3)
    play(worker, ago(1), (ada, "win-match"), (ben, "complete-level"))
    end(worker, ago(1))
    for user_id in (ben, ben, cy):
        accept(worker, user_id, "win-match")
    drain_completely(worker)
    entries = told(client, BOARD, movement="day")["entries"]
    assert [(entry["userId"], entry["moved"]) for entry in entries] == [(ben, 1), (ada, -1), (cy, None)]
    assert all("moved" not in entry for entry in told(client, BOARD)["entries"])
    second = told(client, BOARD, movement="day", limit=1)
    assert [entry["moved"] for entry in second["entries"]] == [1]
    following = told(client, BOARD, movement="day", limit=1, cursor=second["nextCursor"])
    assert [entry["moved"] for entry in following["entries"]] == [-1]
    assert refusal(client, BOARD, movement="day", period="daily") == (400, "validation_failed")
    assert refusal(client, BOARD, movement="week") == (400, "validation_failed")


def test_boards_that_count_no_days_have_no_history(client: FlaskClient, worker: WorkerState) -> None:
    add_board(worker, Board("weeks", periods=("all", "weekly")))
    (ada,) = add_users(worker.engine, 1)
    assert refusal(client, BOARD, board="weeks", movement="day") == (409, "no_history")
    assert refusal(client, f"/api/scores/user/{ada}/history", board="weeks") == (409, "no_history")


def test_the_history_of_a_player_is_what_their_ledger_says(client: FlaskClient, worker: WorkerState) -> None:
    points = {"share": 1, "complete-level": 10, "win-match": 25, "win-tournament": 100}
    ada, ben, cy = add_users(worker.engine, 3)
    days = {
        6: [(ada, "share"), (ben, "win-match")],
        4: [(ben, "share"), (cy, "win-tournament")],
        2: [(ada, "win-tournament"), (cy, "share")],
        1: [(ada, "win-match"), (ben, "complete-level"), (cy, "share")],
    }
    sums = dict.fromkeys((ada, ben, cy), 0)
    expected: dict[str, list[dict[str, Any]]] = {ada: [], ben: [], cy: []}
    for day, plays in days.items():
        play(worker, ago(day), *plays)
        for user_id, action in plays:
            sums[user_id] += points[action]
        end(worker, ago(day))
        scored = sorted((user_id for user_id in sums if sums[user_id]), key=lambda user_id: -sums[user_id])
        for user_id in {user_id for user_id, _ in plays}:
            place = {"score": sums[user_id], "rank": scored.index(user_id) + 1, "total": len(scored)}
            expected[user_id].append({"day": ago(day).isoformat(), **place})
    for user_id, history in expected.items():
        body = told(client, f"/api/scores/user/{user_id}/history")
        assert (body["board"], body["points"]) == ("main", history)
        assert body["now"] == told(client, f"/api/scores/user/{user_id}")
    some = told(client, f"/api/scores/user/{ada}/history", **{"from": ago(5), "to": ago(2)})
    assert some["points"] == expected[ada][1:2]


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-11-24", "to": "2026-11-23"},
        {"from": "2025-01-01", "to": "2026-01-02"},
        {"from": "2026-02-30"},
        {"from": "2026-11-23T00:00:00Z"},
        {"from": "0"},
        {"to": "20261123"},
        {"from": "9999-01-01"},
        {"days": "3"},
    ],
)
def test_days_that_make_no_sense_are_refused(client: FlaskClient, worker: WorkerState, query: dict[str, str]) -> None:
    (ada,) = add_users(worker.engine, 1)
    assert refusal(client, f"/api/scores/user/{ada}/history", **query) == (400, "validation_failed")


def test_a_year_and_a_day_can_be_asked_for_and_the_first_day_of_all(client: FlaskClient, worker: WorkerState) -> None:
    (ada,) = add_users(worker.engine, 1)
    for query in ({"from": "2025-01-01", "to": "2026-01-01"}, {"to": "0001-01-01"}, {"to": "9999-12-31"}):
        assert told(client, f"/api/scores/user/{ada}/history", **query)["points"] == []


def test_final_places_are_told_newest_first_page_by_page(client: FlaskClient, worker: WorkerState) -> None:
    ada, ben = add_users(worker.engine, 2)
    play(worker, ago(40), (ada, "win-match"), (ben, "win-tournament"))
    play(worker, ago(1), (ada, "win-match"))
    address = f"/api/scores/user/{ada}/placements"
    assert told(client, address)["placements"] == []
    month = ago(40).strftime("%Y-%m")
    for period in (ago(40).isoformat(), month, ago(1).isoformat()):
        end_period(worker, period)
    body = told(client, address)
    assert [
        (each["board"], each["period"], each["rank"], each["total"], each["score"]) for each in body["placements"]
    ] == [
        ("main", ago(1).isoformat(), 1, 1, 25),
        ("main", month, 2, 2, 25 if ago(1).strftime("%Y-%m") != month else 50),
        ("main", ago(40).isoformat(), 2, 2, 25),
    ]
    first = told(client, address, limit=2, board="main")
    rest = told(client, address, limit=2, board="main", cursor=first["nextCursor"])
    assert [*first["placements"], *rest["placements"]] == body["placements"]
    assert rest["nextCursor"] is None
    assert refusal(client, address, limit=2, cursor=first["nextCursor"]) == (400, "invalid_cursor")
    assert refusal(client, address, board="nowhere") == (400, "unknown_board")


def test_a_final_place_closes_up_over_who_is_hidden_later_and_opens_again(
    client: FlaskClient, worker: WorkerState
) -> None:
    ada, ben = add_users(worker.engine, 2)
    play(worker, ago(1), (ada, "win-match"), (ben, "share"))
    end(worker, ago(1))

    def final_places(user_id: str) -> list[tuple[int, int]]:
        found = told(client, f"/api/scores/user/{user_id}/placements")["placements"]
        return [(each["rank"], each["total"]) for each in found]

    for is_hidden, place in ((True, 1), (False, 2)):
        with worker.engine.begin() as connection:
            ledger.lock_exclusive(connection)
            standings.hide(connection, ada, Hidden.DISQUALIFIED, is_hidden=is_hidden)
        worker.redis.flushdb()
        assert [rank for rank, _ in final_places(ben)] == [place]
        assert bool(final_places(ada)) is not is_hidden
        listed = told(client, BOARD, period=ago(1))["entries"]
        assert [entry["rank"] for entry in listed if entry["userId"] == ben] == [place]


def test_final_places_on_boards_that_are_not_for_everybody_are_told_to_who_may_see_them(
    client: FlaskClient, worker: WorkerState
) -> None:
    add_board(worker, Board("hidden-one", visibility=Visibility.HIDDEN))
    ada = register(client, "ada")
    play(worker, ago(1), (ada.user_id, "win-match"))
    end(worker, ago(1))
    with worker.engine.begin() as connection:
        for table in ("standings", "periods"):
            connection.execute(
                text(f"CREATE TEMP TABLE copied ON COMMIT DROP AS SELECT * FROM {table} WHERE period_id = :day"),  # noqa: S608
                {"day": ago(1).isoformat()},
            )
            connection.execute(text("UPDATE copied SET board_id = 'hidden-one'"))
            connection.execute(text(f"INSERT INTO {table} SELECT * FROM copied"))  # noqa: S608
            connection.execute(text("DROP TABLE copied"))
    chief = admin(client, worker.engine)
    address = f"/api/scores/user/{ada.user_id}/placements"
    seen = {
        name: [each["board"] for each in client.get(address, headers=headers).get_json()["placements"]]
        for name, headers in (("anybody", {}), ("ada", ada.headers), ("chief", chief.headers))
    }
    assert {name: set(boards) for name, boards in seen.items()} == {
        "anybody": {"main"},
        "ada": {"main"},
        "chief": {"main", "hidden-one"},
    }
    assert refusal(client, address, board="hidden-one") == (400, "unknown_board")


def test_a_race_has_the_ways_of_those_who_lead_now(client: FlaskClient, moved: tuple[str, str]) -> None:
    ada, ben = moved
    race = told(client, RACE)
    assert (race["board"], race["period"]) == ("main", "all")
    ways = {series["userId"]: [point["score"] for point in series["points"]] for series in race["series"]}
    assert list(ways.items()) == [(ben, [1, 101]), (ada, [25, 25])]
    instants = [[point["at"] for point in series["points"]] for series in race["series"]]
    assert instants[0] == instants[1] == sorted(instants[0])
    assert instants[0][0] == format_instant(NOON)
    assert [series["userId"] for series in told(client, RACE, n=1)["series"]] == [ben]


@pytest.mark.parametrize("most", [2, 3, 5, 10, 200])
def test_of_many_snapshots_a_race_has_some_evenly_over_time_and_the_newest(
    client: FlaskClient, worker: WorkerState, most: int
) -> None:
    (ada,) = add_users(worker.engine, 1)
    for hour in range(12):
        play(worker, ago(1), (ada, "share"), hour=hour)
        take_all(worker, NOON.replace(hour=hour, minute=30))
    (series,) = told(client, RACE, points=most)["series"]
    scores = [point["score"] for point in series["points"]]
    assert len(scores) == min(most, 13)
    assert scores == sorted(scores)
    assert scores[-2:] == [12, 12], "the newest snapshot and now"
    assert max(later - earlier for earlier, later in pairwise(scores)) <= 12 // (most - 1) + 1


def test_a_race_on_a_board_where_nobody_has_scored_is_empty(client: FlaskClient, worker: WorkerState) -> None:
    assert told(client, RACE) == {"board": "main", "period": "all", "series": []}
    assert told(client, RACE, period="2020-01-01")["series"] == []


@pytest.mark.parametrize(
    "query",
    [{"n": 0}, {"n": 26}, {"n": "1.0"}, {"points": 1}, {"points": 201}, {"n": "x"}, {"limit": 3}, {"period": "x"}],
)
def test_a_race_that_makes_no_sense_is_refused(client: FlaskClient, query: dict[str, object]) -> None:
    assert refusal(client, RACE, **query) == (400, "validation_failed")


@pytest.fixture
def grace(client: FlaskClient, worker: WorkerState) -> Player:
    """A player with a past, who leads the board."""
    player = register(client, "grace-hopper")
    profile = {"displayName": "Amazing", "country": "US"}
    assert client.post("/api/me/profile", json=profile, headers=player.headers).status_code == 200
    (other,) = add_users(worker.engine, 1)
    play(worker, ago(1), (player.user_id, "win-match"), (other, "share"))
    take_all(worker, NOON)
    end(worker, ago(1))
    accept(worker, player.user_id, "win-match")
    drain_completely(worker)
    return player


@pytest.mark.parametrize("visibility", ["anonymous", "unlisted"])
def test_the_past_tells_nobody_who_is_not_named_but_themselves_and_admins(
    client: FlaskClient, grace: Player, worker: WorkerState, visibility: str
) -> None:
    chief, alan = admin(client, worker.engine), register(client, "alan")
    chosen = client.post("/api/me/visibility", json={"visibility": visibility}, headers=grace.headers)
    assert chosen.status_code == 200
    of_boards = [f"{BOARD}?at={format_instant(NOON)}", f"{BOARD}?movement=day", RACE, f"{RACE}?period={ago(1)}"]
    of_player = [f"/api/scores/user/{grace.user_id}/{what}" for what in ("history", "placements")]
    page = f"/p/{grace.user_id}"
    secrets_of_grace = (grace.user_id, "grace-hopper", "Amazing")

    def tells(address: str, headers: dict[str, str]) -> bool:
        return any(word in client.get(address, headers=headers).text for word in secrets_of_grace)

    for headers in ({}, alan.headers):
        assert [address for address in (*of_boards, *of_player, page) if tells(address, headers)] == []
        assert [client.get(address, headers=headers).status_code for address in of_player] == [404, 404]
    for headers in (grace.headers, chief.headers):
        history, placements = (client.get(address, headers=headers) for address in of_player)
        assert (history.status_code, placements.status_code) == (200, 200)
        assert [point["score"] for point in history.get_json()["points"]] == [25]
        assert [each["rank"] for each in placements.get_json()["placements"]] == [1]
        assert "private" in history.headers["Cache-Control"]
    assert [address for address in of_boards if tells(address, grace.headers)] == []
    shown_to_admins = [tells(address, chief.headers) for address in of_boards]
    assert shown_to_admins == [True, visibility == "anonymous", visibility == "anonymous", True]
    if visibility == "anonymous":
        leader = told(client, RACE)["series"][0]
        assert (leader["username"], [point["score"] for point in leader["points"]]) == (ANONYMOUS, [25, 50])
        assert told(client, BOARD, movement="day")["entries"][0]["moved"] is None


def test_a_suspended_player_and_one_who_never_was_have_no_past(
    client: FlaskClient, grace: Player, worker: WorkerState
) -> None:
    nobody = "3f2b8c1e-5d4a-4c3b-9a2e-7f6d5c4b3a21"
    for what in ("history", "placements"):
        assert refusal(client, f"/api/scores/user/{nobody}/{what}") == (404, "not_found")
        assert refusal(client, f"/api/scores/user/x/{what}") == (400, "validation_failed")
    chief = admin(client, worker.engine)
    assert client.post(f"/api/admin/users/{grace.user_id}/suspend", headers=chief.headers).status_code == 200
    for what in ("history", "placements"):
        assert refusal(client, f"/api/scores/user/{grace.user_id}/{what}") == (404, "not_found")


def test_the_copy_of_ones_data_has_the_marks_of_days(client: FlaskClient, grace: Player) -> None:
    marks = client.get("/api/me/export", headers=grace.headers).get_json()["marks"]
    assert [(mark["board"], mark["day"], mark["score"], mark["rank"], mark["total"]) for mark in marks] == [
        ("main", ago(1).isoformat(), 25, 1, 2)
    ]
