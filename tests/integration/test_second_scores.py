"""Second scores and shared places: order and places of any board are the same from Redis and from PostgreSQL."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from common.contract.constants import GREATEST_SECOND
from common.domain import pagination
from common.domain.details import Details
from common.domain.pagination import FIRST, Page, Position, Selection
from common.postgres import catalogue, standings, tables
from common.redis_store.keys import BoardKeys
from workers import maintenance
from workers.state import WorkerState

LEADERBOARD = "/api/scores/leaderboard"
USERS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(16)]

Scores = tuple[int, int, int]
"""Score, second score and tie."""


def set_board(
    worker: WorkerState, scores: dict[str, Scores], *, ascending: bool, second_ascending: bool | None, shared: bool
) -> None:
    """Make the all-time board `trial` this; Redis is filled from PostgreSQL."""
    second = None if second_ascending is None else {"ascending": second_ascending, "label": "", "format": {}}
    board = {"id": "trial", "ascending": ascending, "second": second, "ties": "shared" if shared else "ordinal"}
    rows = [
        {
            "board_id": "trial", "period_id": "all", "user_id": user, "score": score, "tie": tie, "version": 1,
            "updated_at": "2026-11-23T00:00:00Z", "second": 0 if second is None else second_score,
        }
        for user, (score, second_score, tie) in scores.items()
    ]  # fmt: skip
    with worker.engine.begin() as connection:
        connection.execute(text("TRUNCATE standings"))
        connection.execute(text("DELETE FROM boards WHERE id = 'trial'"))
        connection.execute(tables.boards.insert(), board)
        if rows:
            connection.execute(tables.standings.insert(), rows)
    assert worker.rebuilder.rebuild("trial", "all")


@pytest.fixture
def players(worker: WorkerState) -> WorkerState:
    """The worker, whose database has all these players."""
    plain = {"password_hash": "-", "role": "player"}
    rows = [{"id": user, "username": f"u{user[:8]}", "username_key": user, **plain} for user in USERS]
    with worker.engine.begin() as connection:
        connection.execute(tables.users.insert(), rows)
    return worker


def seen(page: Page) -> tuple[object, ...]:
    entries = [(entry.user_id, entry.score, entry.second, entry.rank, entry.place) for entry in page.rows.entries]
    return entries, page.rows.total, page.found, page.positions, page.start if entries else None


seconds = st.integers(-2, 2) | st.sampled_from([GREATEST_SECOND, -GREATEST_SECOND])
boards = st.lists(st.tuples(st.integers(-1, 1), seconds), max_size=len(USERS)).flatmap(
    lambda scores: st.permutations(range(1, len(scores) + 1)).map(
        lambda ties: {USERS[n]: (*both, tie) for n, (both, tie) in enumerate(zip(scores, ties, strict=True))}
    )
)
positions = st.builds(Position, st.integers(-2, 2), st.integers(0, 17), seconds)
selections = st.one_of(
    st.just(FIRST),
    st.sampled_from(USERS).map(pagination.around),
    positions.map(pagination.after),
    positions.map(pagination.before),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    board=boards,
    ascending=st.booleans(),
    second_ascending=st.sampled_from([None, False, True]),
    shared=st.booleans(),
    limit=st.integers(1, 6),
    which=selections,
)
def test_redis_and_the_database_give_the_same_page_with_the_same_places(
    players: WorkerState,
    *,
    board: dict[str, Scores],
    ascending: bool,
    second_ascending: bool | None,
    shared: bool,
    limit: int,
    which: Selection,
) -> None:
    if second_ascending is None:
        board = {user: (score, 0, tie) for user, (score, _, tie) in board.items()}
        which = which if which.kind == "around" else Selection(which.kind, which.position._replace(second=0))
    set_board(players, board, ascending=ascending, second_ascending=second_ascending, shared=shared)

    def better_first(user: str) -> tuple[int, int]:
        score, second, _ = board[user]
        return score if ascending else -score, second if second_ascending else -second

    order = sorted(board, key=lambda user: (*better_first(user), board[user][2]))
    page = players.board.page("trial", "all", limit, which)
    with players.engine.connect() as connection:
        assert seen(page) == seen(standings.page(connection, "trial", "all", limit, which))
    shown = [entry.user_id for entry in page.rows.entries]
    assert shown == order[page.start : page.start + len(shown)]
    places = players.board.places("trial", "all", USERS).of
    for entry in page.rows.entries:
        ahead = sum(better_first(other) < better_first(entry.user_id) for other in board)
        assert entry.place == (ahead + 1 if shared else None)
        with players.engine.connect() as connection:
            stored = standings.place(connection, "trial", "all", entry.user_id, Details("-"))
        for alone in (places[entry.user_id].entry, stored.entry):
            assert alone is not None
            assert (alone.second, alone.rank, alone.place) == (entry.second, entry.rank, entry.place)


def walk(client: FlaskClient, limit: int) -> Iterator[Any]:
    """Every entry of the board, page by page."""
    cursor = None
    while True:
        query = {"board": "trial", "limit": limit, **({"cursor": cursor} if cursor else {})}
        body = client.get(LEADERBOARD, query_string=query).get_json()
        yield from body["entries"]
        cursor = body["nextCursor"]
        if cursor is None:
            return


def test_a_walk_by_cursors_shows_everybody_once_and_what_ties_share(client: FlaskClient, players: WorkerState) -> None:
    board = {user: (n % 2, n % 3, n + 1) for n, user in enumerate(USERS)}
    set_board(players, board, ascending=False, second_ascending=True, shared=True)
    entries = list(walk(client, 3))
    assert sorted(entry["userId"] for entry in entries) == USERS
    assert [entry["rank"] for entry in entries] == list(range(1, len(USERS) + 1))
    assert [(entry["score"], entry["second"], entry["place"]) for entry in entries[:7]] == [
        (1, 0, 1), (1, 0, 1), (1, 0, 1), (1, 1, 4), (1, 1, 4), (1, 1, 4), (1, 2, 7)
    ]  # fmt: skip
    place = client.get(f"/api/scores/user/{entries[4]['userId']}", query_string={"board": "trial"}).get_json()
    assert (place["second"], place["place"], place["rank"]) == (1, 4, 5)
    players.redis.flushdb()
    assert list(walk(client, 3)) == entries


def test_a_board_without_a_second_score_or_shared_places_says_nothing_of_them(
    client: FlaskClient, players: WorkerState
) -> None:
    set_board(players, {USERS[0]: (1, 0, 1)}, ascending=False, second_ascending=None, shared=False)
    (entry,) = walk(client, 3)
    assert entry.keys() == {"userId", "username", "score", "rank", "lastUpdated"}
    assert players.redis.zrange(BoardKeys("trial", "all").scores, 0, -1) == [f"999999999999998:{USERS[0]}"]


def test_a_board_that_the_version_before_has_filled_is_served_on(client: FlaskClient, players: WorkerState) -> None:
    set_board(players, {USERS[0]: (1, 0, 1)}, ascending=False, second_ascending=None, shared=False)
    before = client.get(LEADERBOARD, query_string={"board": "trial"})
    players.redis.hdel(BoardKeys("trial", "all").meta, "second", "width", "shared")
    maintenance.repair(players)
    after = client.get(LEADERBOARD, query_string={"board": "trial"})
    assert after.get_json() == before.get_json()
    assert after.headers["ETag"] == before.headers["ETag"]


def test_readers_learn_that_equal_scores_share_a_place_from_now_on(client: FlaskClient, players: WorkerState) -> None:
    set_board(players, dict.fromkeys(USERS[:2], (5, 0, 1)), ascending=False, second_ascending=None, shared=False)
    before = client.get(LEADERBOARD, query_string={"board": "trial"})
    with players.engine.begin() as connection:
        connection.execute(tables.boards.update().where(tables.boards.c.id == "trial").values(ties="shared"))
        catalogue.count_change(connection)
    players.catalogue._read_at = float("-inf")
    maintenance.repair(players)
    seen_before = {"If-None-Match": before.headers["ETag"]}
    after = client.get(LEADERBOARD, query_string={"board": "trial"}, headers=seen_before)
    assert [entry["place"] for entry in after.get_json()["entries"]] == [1, 1]
