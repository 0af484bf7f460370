"""The feed that CTFtime reads: the least form, half a minute old at most, and next to nothing to ask for."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, text

from common.core.timestamps import parse_instant
from common.domain import passwords
from common.domain.shown import Gate
from common.domain.stand_ins import StandIns
from common.postgres import tables, users
from common.redis_store.board import Board
from common.services import ctftime
from common.services.ctftime import FRESH_SECONDS, CtftimeFeeds
from common.services.leaderboard import Leaderboard
from tests.inbox import accept, add_users, drain_completely
from tests.player import PASSWORD, Player, error_code, log_in
from workers.state import WorkerState

FEED = "/feeds/ctftime/main.json"
MAIN = ("main", "all")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def teams(worker: WorkerState) -> list[str]:
    """Three teams; the first leads, and the last is not named."""
    ids = add_users(worker.engine, 3)
    with worker.engine.begin() as connection:
        for user_id, change in ((ids[0], {"display_name": '=1+1 "'}), (ids[2], {"visibility": "anonymous"})):
            connection.execute(tables.users.update().where(tables.users.c.id == user_id).values(change))
    accept(worker, ids[0], "win-tournament")
    for user_id in ids[1:]:
        accept(worker, user_id)
    drain_completely(worker)
    return ids


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def feeds(worker: WorkerState, clock: Clock) -> CtftimeFeeds:
    gate = Gate(StandIns(worker.settings.secret_keys))
    return CtftimeFeeds(worker.engine, Leaderboard(Board(worker.redis), worker.engine, gate), gate, clock)


@pytest.fixture
def statements(worker: WorkerState) -> Iterator[list[str]]:
    """Every statement that is sent to PostgreSQL."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    event.listen(worker.engine, "before_cursor_execute", note)
    yield sent
    event.remove(worker.engine, "before_cursor_execute", note)


def test_a_feed_has_the_least_that_ctftime_takes(client: FlaskClient, teams: list[str]) -> None:
    answer = client.get(FEED)
    shown = client.get("/api/scores/leaderboard").get_json()["entries"]
    found = answer.get_json()
    assert set(found) == {"standings"}
    assert [(each["pos"], each["team"], each["score"]) for each in found["standings"]] == [
        (1, '=1+1 "', 100),
        (2, shown[1]["username"], 25),
        (3, "Anonymous", 25),
    ]
    assert all(set(each) == {"pos", "team", "score", "lastAccept"} for each in found["standings"])
    assert [each["lastAccept"] for each in found["standings"]] == [
        int(parse_instant(entry["lastUpdated"]).timestamp()) for entry in shown
    ]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "public, max-age=30"
    again = client.get(FEED, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    assert again.headers["Access-Control-Allow-Origin"] == "*"


def test_a_board_that_is_not_everybody_s_has_no_feed(client: FlaskClient, worker: WorkerState) -> None:
    with worker.engine.begin() as connection:
        users.create(connection, "chief", passwords.hashed(PASSWORD), "admin")
    chief: Player = log_in(client, "chief")
    for board_id, visibility in (("jury", "hidden"), ("inner", "players")):
        body = {"visibility": visibility}
        assert client.put(f"/api/admin/boards/{board_id}", json=body, headers=chief.headers).status_code == 201
        answer = client.get(f"/feeds/ctftime/{board_id}.json", headers=chief.headers)
        assert (answer.status_code, error_code(answer)) == (404, "not_found")
    assert client.get("/feeds/ctftime/nowhere.json").status_code == 404
    assert client.get("/feeds/ctftime/nowhere.json").headers["Access-Control-Allow-Origin"] == "*"


def test_a_board_without_all_time_is_shown_in_its_longest_period(client: FlaskClient, worker: WorkerState) -> None:
    with worker.engine.begin() as connection:
        connection.execute(tables.boards.insert(), {"id": "week", "periods": ["daily", "weekly"]})
        connection.execute(text("UPDATE catalogue_version SET version = version + 1"))
    assert client.get("/feeds/ctftime/week.json").get_json() == {"standings": []}


def test_a_board_of_too_many_rows_has_no_feed(
    client: FlaskClient, teams: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctftime, "MOST_ROWS", 2)
    answer = client.get(FEED)
    assert (answer.status_code, error_code(answer)) == (409, "too_large")


def test_a_feed_is_read_again_only_when_the_board_has_moved(
    worker: WorkerState, feeds: CtftimeFeeds, clock: Clock, teams: list[str], statements: list[str]
) -> None:
    first = feeds.get(MAIN)
    accept(worker, teams[1], "win-tournament")
    drain_completely(worker)
    statements.clear()
    assert feeds.get(MAIN) is first, "it is young"
    clock.now += FRESH_SECONDS
    second = feeds.get(MAIN)
    assert second.etag != first.etag
    assert statements
    statements.clear()
    clock.now += FRESH_SECONDS
    assert feeds.get(MAIN) is second, "the board has not moved"
    assert statements == []


def test_a_feed_is_read_from_postgresql_while_redis_has_lost_the_board(
    worker: WorkerState, feeds: CtftimeFeeds, clock: Clock, teams: list[str]
) -> None:
    first = feeds.get(MAIN)
    worker.redis.flushdb()
    clock.now += FRESH_SECONDS
    assert feeds.get(MAIN).etag == first.etag, "and has the same tag for the same rows"


def test_a_process_keeps_so_many_feeds_and_no_more(
    feeds: CtftimeFeeds, teams: list[str], statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctftime, "MOST_KEPT", 2)
    for period_id in ("all", "2026-11", "2026-12"):
        feeds.get(("main", period_id))
    statements.clear()
    feeds.get(("main", "2026-12"))
    feeds.get(("main", "2026-11"))
    assert statements == []
    feeds.get(MAIN)
    assert statements


def test_an_address_may_read_feeds_so_often_and_no_more(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.guards.limits.FEEDS", "2/minute")
    answers = [client.get(FEED).status_code for _ in range(3)]
    assert answers == [200, 200, 429]
