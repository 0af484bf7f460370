"""Batches that are finished beside the next ones: again where that fails, by others where a drain ends in an error."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import redis

from common.postgres import ledger, standings
from common.redis_store import keys
from common.redis_store.board import Board
from tests.inbox import accept, add_users, board_of, drain_completely
from workers import batches
from workers import drain as drain_module
from workers.batches import Batches
from workers.state import WorkerState

BATCH = 10
WITHIN_SECONDS = 10.0

Project = Callable[..., Any]


@pytest.fixture
def players(worker: WorkerState, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Twenty users, whose updates come in batches of ten."""
    monkeypatch.setattr(drain_module, "BATCH", BATCH)
    monkeypatch.setattr(batches, "MOST_ROWS_IN_ONE_STEP", BATCH)  # a batch has four times as many
    return add_users(worker.engine, 20)


def accept_batches(worker: WorkerState, players: Sequence[str], count: int) -> dict[str, int]:
    """Fill the inbox with so many batches; the points that each player gets."""
    for number in range(count * BATCH):
        accept(worker, players[number % len(players)], "share")
    return {user_id: count * BATCH // len(players) for user_id in players}


def in_database(worker: WorkerState) -> dict[str, int]:
    with worker.engine.connect() as connection:
        return {entry.user_id: entry.score for entry in standings.top(connection, "main", "all", 100).entries}


def test_a_batch_is_recorded_while_the_one_before_is_finished(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second projection waits for the third record, which a worker that finishes first would never reach."""
    records, projections, third_is_recorded = 0, 0, threading.Event()
    add, project = ledger.add_and_commit, Batches._project

    def noted_add(*arguments: Any, **keywords: Any) -> None:  # noqa: ANN401
        nonlocal records
        add(*arguments, **keywords)
        records += 1
        if records == 3:
            third_is_recorded.set()

    def late_project(self: Batches, *arguments: Any) -> Any:  # noqa: ANN401
        nonlocal projections
        projections += 1
        if projections == 2:
            assert third_is_recorded.wait(WITHIN_SECONDS)
        return project(self, *arguments)

    monkeypatch.setattr(ledger, "add_and_commit", noted_add)
    monkeypatch.setattr(Batches, "_project", late_project)
    expected = accept_batches(worker, players, 6)
    drain_completely(worker)
    assert third_is_recorded.is_set()
    assert board_of(worker) == in_database(worker) == expected


def fail_projections(monkeypatch: pytest.MonkeyPatch, fails: Callable[[int], bool]) -> None:
    """Let the projections with these numbers, counted from 1, fail as if Redis were away."""
    calls, project = 0, Board.project

    def failing(self: Board, *arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401
        nonlocal calls
        calls += 1
        if fails(calls):
            raise redis.ConnectionError("cut off")
        return project(self, *arguments, **keywords)

    monkeypatch.setattr(Board, "project", failing)


def test_a_batch_that_could_not_be_finished_is_applied_again_and_counts_once(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_projections(monkeypatch, lambda call: call in (2, 4))
    expected = accept_batches(worker, players, 6)
    worker.drain.run()
    assert worker.inbox.depth() == 0
    assert board_of(worker) == in_database(worker) == expected


def test_what_an_error_leaves_unfinished_is_pending_as_if_it_had_not_been_tried(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        fail_projections(patched, lambda call: call > 1)
        expected = accept_batches(worker, players, 6)
        with pytest.raises(redis.ConnectionError):
            worker.drain.run()
    pending = worker.redis.xpending_range(keys.INBOX, keys.INBOX_GROUP, min="-", max="+", count=100)
    assert pending
    assert {entry["times_delivered"] for entry in pending} == {0}
    drain_completely(worker)
    assert board_of(worker) == in_database(worker) == expected


def test_no_thread_is_left_after_a_drain(worker: WorkerState, players: list[str]) -> None:
    accept_batches(worker, players, 4)
    drain_completely(worker)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("finisher")] == []
