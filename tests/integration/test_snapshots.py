"""Stored history: once for each due instant, paged without gaps, and thinned when it is old."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from common.postgres import period_closing, snapshots, standings
from tests.inbox import accept_at, add_users, drain_completely
from tests.player import Player, error_code
from workers import maintenance
from workers.snapshots import take_all
from workers.state import WorkerState

NOON = datetime(2026, 11, 23, 12, 3, 20, tzinfo=UTC)
SNAPSHOTS = "/api/scores/snapshots"


@given(st.datetimes(datetime(2000, 1, 1), timezones=st.just(UTC)), st.integers(1, 1440))  # noqa: DTZ001 - a bound
def test_an_instant_is_due_at_most_one_interval_ago(now: datetime, minutes: int) -> None:
    due = snapshots.due_at(now, minutes)
    assert timedelta(0) <= now - due < timedelta(minutes=minutes)
    assert snapshots.due_at(due, minutes) == due


@pytest.mark.usefixtures("draining")
def test_a_snapshot_keeps_the_head_as_it_was(client: FlaskClient, ada: Player, worker: WorkerState) -> None:
    ada.update("win-match")
    entries = client.get("/api/scores/leaderboard").get_json()["entries"]
    now = datetime.now(UTC)
    take_all(worker, now)
    ada.update("win-match")
    (listed,) = client.get(SNAPSHOTS).get_json()["snapshots"]
    assert set(listed) == {"id", "board", "period", "takenAt", "total"}
    assert (listed["board"], listed["period"], listed["total"]) == ("main", "all", 1)
    one = client.get(f"{SNAPSHOTS}/{listed['id']}").get_json()
    assert one == {**listed, "entries": entries}


def score(worker: WorkerState, at: datetime = NOON) -> None:
    """Let the boards move: somebody new scores."""
    (player,) = add_users(worker.engine, 1)
    accept_at(worker, player, at)
    drain_completely(worker)


def test_a_due_instant_is_stored_once_however_often_the_job_runs(client: FlaskClient, worker: WorkerState) -> None:
    for seconds in (0, 1, 60):
        score(worker)
        take_all(worker, NOON + timedelta(seconds=seconds))
    taken = client.get(SNAPSHOTS).get_json()["snapshots"]
    assert [snapshot["takenAt"] for snapshot in taken] == ["2026-11-23T12:00:00.000Z"]


def test_every_open_period_has_its_own(client: FlaskClient, worker: WorkerState) -> None:
    score(worker)
    take_all(worker, NOON)
    for period in ("all", "2026-11-23", "2026-W48", "2026-11"):
        assert len(client.get(f"{SNAPSHOTS}?period={period}").get_json()["snapshots"]) == 1


def test_pages_hold_everything_once_newest_first(client: FlaskClient, worker: WorkerState) -> None:
    for step in range(7):
        score(worker)
        take_all(worker, NOON + timedelta(minutes=5 * step))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(f"{SNAPSHOTS}?limit=3" + (f"&cursor={cursor}" if cursor else "")).get_json()
        seen += [snapshot["takenAt"] for snapshot in page["snapshots"]]
        cursor = page["nextCursor"]
    assert len(seen) == 7
    assert seen == sorted(set(seen), reverse=True)


def test_of_the_days_that_are_old_the_last_one_stays(client: FlaskClient, worker: WorkerState) -> None:
    kept = timedelta(days=worker.settings.snapshot_keep_days)
    for at in (NOON, NOON + timedelta(hours=5), NOON + timedelta(days=1), NOON + timedelta(days=1, hours=1)):
        score(worker)
        take_all(worker, at)
    for later in (kept + timedelta(days=1), kept + timedelta(days=1, minutes=5)):
        score(worker)
        take_all(worker, NOON + later)
        taken = client.get(SNAPSHOTS).get_json()["snapshots"]
        assert [snapshot["takenAt"] for snapshot in taken if snapshot["takenAt"] < "2026-12"] == [
            "2026-11-24T13:00:00.000Z",
            "2026-11-24T12:00:00.000Z",
            "2026-11-23T17:00:00.000Z",
        ]


def test_two_who_thin_at_once_leave_the_last_of_the_day(worker: WorkerState) -> None:
    for minutes in range(0, 30, 5):
        score(worker)
        take_all(worker, NOON + timedelta(minutes=minutes))
    before = NOON.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    other = threading.Thread(target=_thin_all, args=(worker, before))
    with worker.engine.begin() as connection:
        snapshots.thin(connection, before, 3)
        other.start()
    other.join()
    with worker.engine.connect() as connection:
        left = connection.execute(text("SELECT DISTINCT taken_at, ends_its_day FROM snapshots")).all()
    assert left == [(datetime(2026, 11, 23, 12, 25, tzinfo=UTC), True)]


def _thin_all(worker: WorkerState, before: datetime) -> None:
    looked_at = 1
    while looked_at:
        with worker.engine.begin() as connection:
            looked_at = snapshots.thin(connection, before, 1000).looked_at


@pytest.mark.parametrize("cursor", ["x", "AAAA", "not/base64", "A" * 500])
def test_a_cursor_that_is_not_ours_is_refused(client: FlaskClient, cursor: str) -> None:
    answer = client.get(SNAPSHOTS, query_string={"cursor": cursor})
    assert (answer.status_code, error_code(answer)) == (400, "invalid_cursor")


def test_a_cursor_of_another_list_is_refused(client: FlaskClient, worker: WorkerState) -> None:
    for step in range(2):
        score(worker)
        take_all(worker, NOON + timedelta(minutes=5 * step))
    cursor = client.get(f"{SNAPSHOTS}?limit=1").get_json()["nextCursor"]
    answer = client.get(SNAPSHOTS, query_string={"cursor": cursor, "period": "2026-11"})
    assert (answer.status_code, error_code(answer)) == (400, "invalid_cursor")


@pytest.mark.parametrize("snapshot_id", ["0", "999999", "-1", "x", "9" * 30, "%D9%A1"])
def test_a_snapshot_that_does_not_exist_is_not_found(client: FlaskClient, snapshot_id: str) -> None:
    answer = client.get(f"{SNAPSHOTS}/{snapshot_id}")
    assert (answer.status_code, error_code(answer)) == (404, "not_found")


def taken(worker: WorkerState) -> int:
    with worker.engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM snapshots")).scalar_one())


def test_a_board_without_standings_leaves_nothing(worker: WorkerState) -> None:
    take_all(worker, NOON)
    assert taken(worker) == 0


def test_a_board_that_has_not_moved_is_not_stored_again(worker: WorkerState) -> None:
    score(worker)
    for step in range(3):
        take_all(worker, NOON + timedelta(minutes=5 * step))
    assert taken(worker) == 4
    score(worker)
    take_all(worker, NOON + timedelta(minutes=20))
    assert taken(worker) == 8


def test_one_that_has_not_moved_is_not_stored_again_although_redis_was_emptied(worker: WorkerState) -> None:
    score(worker)
    take_all(worker, NOON)
    worker.redis.flushdb()
    take_all(worker, NOON + timedelta(minutes=5))
    maintenance.repair(worker)
    take_all(worker, NOON + timedelta(minutes=10))
    assert taken(worker) == 4


def test_a_period_that_is_closed_is_not_stored_beside_its_final_snapshot(worker: WorkerState) -> None:
    score(worker)
    with worker.engine.begin() as connection:
        assert period_closing.close(connection, "main", "2026-11-23", NOON + timedelta(days=1))
    take_all(worker, NOON)
    assert taken(worker) == 3


def test_size_and_rows_are_of_one_instant(worker: WorkerState, monkeypatch: pytest.MonkeyPatch) -> None:
    score(worker)
    count = standings.count

    def count_before_somebody_scores(connection: Connection, board_id: str, period_id: str) -> int:
        counted = count(connection, board_id, period_id)
        score(worker)
        return counted

    monkeypatch.setattr(standings, "count", count_before_somebody_scores)
    head = snapshots.read(worker.engine, "main", "all")
    assert (head.total, len(head.entries)) == (1, 1)


def test_the_head_is_the_one_that_the_board_shows(client: FlaskClient, worker: WorkerState) -> None:
    for _ in range(5):
        score(worker)
    for order in ("false", "true"):
        with worker.engine.begin() as connection:
            connection.execute(text(f"UPDATE boards SET ascending = {order}"))  # noqa: S608 - the test's own text
        assert worker.rebuilder.rebuild("main", "all")
        shown = client.get("/api/scores/leaderboard").get_json()["entries"]
        assert [
            (entry.user_id, entry.score, entry.rank) for entry in snapshots.read(worker.engine, "main", "all").entries
        ] == [(entry["userId"], entry["score"], entry["rank"]) for entry in shown]
