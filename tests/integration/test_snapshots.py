"""Stored history: once for each due instant, paged without gaps, and deleted when it is old."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from common import snapshots
from tests.player import Player, error_code
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


def test_a_due_instant_is_stored_once_however_often_the_job_runs(client: FlaskClient, worker: WorkerState) -> None:
    for seconds in (0, 1, 60):
        take_all(worker, NOON + timedelta(seconds=seconds))
    taken = client.get(SNAPSHOTS).get_json()["snapshots"]
    assert [snapshot["takenAt"] for snapshot in taken] == ["2026-11-23T12:00:00.000Z"]


def test_every_open_period_has_its_own(client: FlaskClient, worker: WorkerState) -> None:
    take_all(worker, NOON)
    for period in ("all", "2026-11-23", "2026-W48", "2026-11"):
        assert len(client.get(f"{SNAPSHOTS}?period={period}").get_json()["snapshots"]) == 1


def test_pages_hold_everything_once_newest_first(client: FlaskClient, worker: WorkerState) -> None:
    for step in range(7):
        take_all(worker, NOON + timedelta(minutes=5 * step))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(f"{SNAPSHOTS}?limit=3" + (f"&cursor={cursor}" if cursor else "")).get_json()
        seen += [snapshot["takenAt"] for snapshot in page["snapshots"]]
        cursor = page["nextCursor"]
    assert len(seen) == 7
    assert seen == sorted(set(seen), reverse=True)


def test_old_ones_are_deleted(client: FlaskClient, worker: WorkerState) -> None:
    take_all(worker, NOON)
    take_all(worker, NOON + timedelta(days=worker.settings.snapshot_keep_days + 1))
    taken = client.get(SNAPSHOTS).get_json()["snapshots"]
    assert [snapshot["takenAt"] for snapshot in taken] == ["2026-12-24T12:00:00.000Z"]


@pytest.mark.parametrize("cursor", ["x", "AAAA", "not/base64", "A" * 500])
def test_a_cursor_that_is_not_ours_is_refused(client: FlaskClient, cursor: str) -> None:
    answer = client.get(SNAPSHOTS, query_string={"cursor": cursor})
    assert (answer.status_code, error_code(answer)) == (400, "invalid_cursor")


def test_a_cursor_of_another_list_is_refused(client: FlaskClient, worker: WorkerState) -> None:
    for step in range(2):
        take_all(worker, NOON + timedelta(minutes=5 * step))
    cursor = client.get(f"{SNAPSHOTS}?limit=1").get_json()["nextCursor"]
    answer = client.get(SNAPSHOTS, query_string={"cursor": cursor, "period": "2026-11"})
    assert (answer.status_code, error_code(answer)) == (400, "invalid_cursor")


@pytest.mark.parametrize("snapshot_id", ["0", "999999", "-1", "x", "9" * 30, "%D9%A1"])
def test_a_snapshot_that_does_not_exist_is_not_found(client: FlaskClient, snapshot_id: str) -> None:
    answer = client.get(f"{SNAPSHOTS}/{snapshot_id}")
    assert (answer.status_code, error_code(answer)) == (404, "not_found")
