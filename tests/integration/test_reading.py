"""Reading a board page by page: the same from Redis and from PostgreSQL, and nobody skipped or shown twice."""

import random
import secrets
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from common.contract.constants import GREATEST_SCORE
from common.domain import pagination
from common.domain.pagination import FIRST, Page, Position, Selection
from common.postgres import standings, tables
from common.redis_store.board import Board
from tests.player import Player, error_code, register
from workers.state import WorkerState

LEADERBOARD = "/api/scores/leaderboard"
USERS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(40)]


def set_board(worker: WorkerState, scores: dict[str, tuple[int, int]], *, ascending: bool = False) -> None:
    """Make the all-time board of `main` this: (score, tie) by user; Redis is filled from PostgreSQL."""
    with worker.engine.begin() as connection:
        connection.execute(text("TRUNCATE standings"))
        connection.execute(tables.boards.update().values(ascending=ascending))
        known = [
            {"id": user, "username": f"u{user[:8]}", "username_key": user, "password_hash": "-", "role": "player"}
            for user in scores
        ]
        connection.execute(text("DELETE FROM users WHERE password_hash = '-'"))
        if known:
            connection.execute(tables.users.insert(), known)
            rows = [
                {
                    "board_id": "main", "period_id": "all", "user_id": user,
                    "score": score, "tie": tie, "version": 1, "updated_at": "2026-11-23T00:00:00Z",
                }
                for user, (score, tie) in scores.items()
            ]  # fmt: skip
            connection.execute(tables.standings.insert(), rows)
    assert worker.rebuilder.rebuild("main", "all")


def from_redis(worker: WorkerState, limit: int, which: Selection) -> Page:
    return Board(worker.redis).page("main", "all", limit, which)


def from_database(engine: Engine, limit: int, which: Selection) -> Page:
    with engine.connect() as connection:
        return standings.page(connection, "main", "all", limit, which)


def seen(page: Page) -> tuple[object, ...]:
    entries = [(entry.user_id, entry.score, entry.rank) for entry in page.rows.entries]
    return entries, page.rows.total, page.found, page.positions, page.start if entries else None


boards = st.lists(st.integers(-3, 3) | st.sampled_from([GREATEST_SCORE, -GREATEST_SCORE]), max_size=30).flatmap(
    lambda scores: st.permutations(range(1, len(scores) + 1)).map(
        lambda ties: {USERS[n]: (score, tie) for n, (score, tie) in enumerate(zip(scores, ties, strict=True))}
    )
)
selections = st.one_of(
    st.just(FIRST),
    st.sampled_from(USERS).map(pagination.around),
    st.builds(Position, st.integers(-4, 4), st.integers(0, 32), st.just(0)).map(pagination.after),
    st.builds(Position, st.integers(-4, 4), st.integers(0, 32), st.just(0)).map(pagination.before),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(board=boards, ascending=st.booleans(), limit=st.integers(1, 12), which=selections)
def test_redis_and_the_database_give_the_same_page_of_any_board(
    worker: WorkerState, board: dict[str, tuple[int, int]], ascending: bool, limit: int, which: Selection
) -> None:
    set_board(worker, board, ascending=ascending)
    sign = 1 if ascending else -1
    order = sorted(board, key=lambda user: (sign * board[user][0], board[user][1]))
    page = from_redis(worker, limit, which)
    assert seen(page) == seen(from_database(worker.engine, limit, which))
    if page.positions:
        shown = [entry.user_id for entry in page.rows.entries]
        assert shown == order[page.start : page.start + len(shown)]
    if which.kind == "around" and which.user_id in board:
        assert which.user_id in [entry.user_id for entry in page.rows.entries]
        assert len(page.positions) == min(limit, len(board))


@pytest.mark.parametrize("ascending", [False, True])
def test_a_place_says_the_same_as_the_list(client: FlaskClient, worker: WorkerState, ascending: bool) -> None:
    set_board(worker, {USERS[n]: (n % 3, n + 1) for n in range(9)}, ascending=ascending)
    listed = client.get(LEADERBOARD, query_string={"limit": 9}).get_json()["entries"]
    places = [client.get(f"/api/scores/user/{entry['userId']}").get_json() for entry in listed]
    assert [{name: place[name] for name in entry} for place, entry in zip(places, listed, strict=True)] == listed
    worker.redis.flushdb()
    assert client.get(LEADERBOARD, query_string={"limit": 9}).get_json()["entries"] == listed


@pytest.mark.parametrize(("ascending", "leader"), [(False, 1), (True, 0)])
def test_an_update_moves_the_player_in_the_order_of_the_board(
    client: FlaskClient, worker: WorkerState, draining: None, ascending: bool, leader: int
) -> None:
    set_board(worker, {}, ascending=ascending)
    players = [register(client, "ada"), register(client, "grace")]
    players[0].update("win-match")
    moved = players[1].update("win-tournament").get_json()
    assert (moved["entry"]["rank"], moved["previousRank"]) == (1 if leader else 2, None)
    first = client.get(LEADERBOARD).get_json()["entries"][0]
    assert first["userId"] == players[leader].user_id


def walk(client: FlaskClient, limit: int, direction: str = "nextCursor", cursor: str | None = None) -> Iterator[Any]:
    """Every page in one direction."""
    while True:
        query = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        body = client.get(LEADERBOARD, query_string=query).get_json()
        yield body
        cursor = body[direction]
        if cursor is None:
            return


def test_a_walk_down_and_up_shows_everybody_once_in_order(client: FlaskClient, worker: WorkerState) -> None:
    set_board(worker, {user: (n % 3, n + 1) for n, user in enumerate(USERS)})
    down = list(walk(client, 7))
    shown = [entry["userId"] for page in down for entry in page["entries"]]
    assert shown == [entry.user_id for entry in from_database(worker.engine, 100, FIRST).rows.entries]
    assert [entry["rank"] for page in down for entry in page["entries"]] == list(range(1, len(USERS) + 1))
    assert down[0]["previousCursor"] is None
    up = list(walk(client, 7, "previousCursor", down[-1]["previousCursor"]))
    assert [entry["userId"] for page in reversed(up) for entry in page["entries"]] == shown[: -len(down[-1]["entries"])]


def test_who_does_not_move_is_shown_exactly_once_while_others_do(client: FlaskClient, worker: WorkerState) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    board = {user: (draw.randint(0, 9), n + 1) for n, user in enumerate(USERS)}
    movers, tie = set(draw.sample(USERS, 15)), len(USERS)
    set_board(worker, board)
    met: list[str] = []
    for page in walk(client, 3):
        met += [entry["userId"] for entry in page["entries"]]
        for user in draw.sample(sorted(movers), 5):
            tie += 1
            board[user] = (draw.randint(0, 9), tie)
        set_board(worker, board)
    assert sorted(user for user in met if user not in movers) == sorted(set(USERS) - movers)


def test_around_puts_the_player_in_the_middle_and_says_if_there_is_none(
    client: FlaskClient, worker: WorkerState
) -> None:
    set_board(worker, {user: (-n, n + 1) for n, user in enumerate(USERS)})
    middle = client.get(LEADERBOARD, query_string={"around": USERS[20], "limit": 5}).get_json()
    assert [entry["userId"] for entry in middle["entries"]] == USERS[18:23]
    assert middle["found"] is True
    assert [entry["userId"] for entry in next(walk(client, 2, cursor=middle["nextCursor"]))["entries"]] == USERS[23:25]
    first = client.get(LEADERBOARD, query_string={"around": USERS[0], "limit": 5}).get_json()
    assert [entry["userId"] for entry in first["entries"]] == USERS[:5]
    last = client.get(LEADERBOARD, query_string={"around": USERS[-1].upper(), "limit": 5}).get_json()
    assert [entry["userId"] for entry in last["entries"]] == USERS[-5:]
    absent = client.get(LEADERBOARD, query_string={"around": str(uuid.uuid4())}).get_json()
    assert (absent["entries"], absent["found"], absent["total"]) == ([], False, len(USERS))


def test_found_is_said_only_where_it_was_asked(client: FlaskClient) -> None:
    assert "found" not in client.get(LEADERBOARD).get_json()


def test_a_page_beyond_the_end_leads_back(client: FlaskClient, worker: WorkerState) -> None:
    set_board(worker, {user: (n, n + 1) for n, user in enumerate(USERS[:4])})
    last = list(walk(client, 2))[-1]
    cursor = client.get(LEADERBOARD, query_string={"limit": 3}).get_json()["nextCursor"]
    set_board(worker, {user: (n, n + 1) for n, user in enumerate(USERS[1:4], start=1)})
    beyond = client.get(LEADERBOARD, query_string={"limit": 3, "cursor": cursor}).get_json()
    assert (beyond["entries"], beyond["nextCursor"]) == ([], None)
    back = client.get(LEADERBOARD, query_string={"cursor": beyond["previousCursor"]}).get_json()
    assert [entry["userId"] for entry in back["entries"]] == USERS[3:0:-1]
    assert last["entries"]


@pytest.mark.parametrize("cursor", ["x", "AAAA", "!", "A" * 400])
def test_a_cursor_that_is_not_ours_is_refused(client: FlaskClient, cursor: str) -> None:
    answer = client.get(LEADERBOARD, query_string={"cursor": cursor})
    assert (answer.status_code, error_code(answer)) == (400, "invalid_cursor")


def test_a_cursor_of_another_period_is_refused(client: FlaskClient, worker: WorkerState) -> None:
    set_board(worker, {user: (n, n + 1) for n, user in enumerate(USERS)})
    cursor = client.get(LEADERBOARD).get_json()["nextCursor"]
    answer = client.get(LEADERBOARD, query_string={"cursor": cursor, "period": "daily"})
    assert (answer.status_code, error_code(answer)) == (400, "invalid_cursor")


@pytest.mark.parametrize("query", [{"around": "me"}, {"around": str(uuid.uuid4()), "cursor": "x"}])
def test_an_around_that_makes_no_sense_is_refused(client: FlaskClient, query: dict[str, str]) -> None:
    answer = client.get(LEADERBOARD, query_string=query)
    assert (answer.status_code, error_code(answer)) == (400, "validation_failed")


@pytest.mark.usefixtures("draining")
def test_an_answer_is_confirmed_as_long_as_the_board_has_not_moved(client: FlaskClient, ada: Player) -> None:
    ada.update("win-match")
    first = client.get(LEADERBOARD)
    assert first.headers["ETag"] == f'"{first.get_json()["version"]}"'
    assert first.headers["Cache-Control"] == "public, no-cache"
    again = client.get(LEADERBOARD, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    register(client, "bob").update("share")
    moved = client.get(LEADERBOARD, headers={"If-None-Match": first.headers["ETag"]})
    assert moved.status_code == 200
    assert moved.get_json()["total"] == 2
