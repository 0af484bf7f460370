"""Requests that wait come back together, and those who are a little late are applied with the others."""

import secrets
import time
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from common.domain.inbox_entries import Entry, Update
from tests.inbox import add_users, board_of
from workers import drain as drain_module
from workers.batches import Batches
from workers.drain import CROWD_FROM
from workers.state import WorkerState

WAITING = CROWD_FROM + 4


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The sizes of the batches that are applied."""
    noted: list[int] = []
    apply = Batches.apply

    def note(self: Batches, entries: Sequence[Entry], **how: Any) -> Any:  # noqa: ANN401
        noted.append(len(entries))
        return apply(self, entries, **how)

    monkeypatch.setattr(Batches, "apply", note)
    yield noted


def send(worker: WorkerState, user_id: str, reply_to: str | None) -> None:
    update = Update(user_id, "share", secrets.token_hex(8), "2026-11-23T09:15:00.123Z", "request-id", reply_to)
    worker.inbox.accept(update)


def arrivals(worker: WorkerState, players: Sequence[str], reply_to: str | None) -> Iterator[str]:
    """Send an update of one player after the other, each when it is asked for."""
    for player in players:
        send(worker, player, reply_to)
        yield player


def pass_time(monkeypatch: pytest.MonkeyPatch, coming: Iterator[str]) -> None:
    """Let one more arrive whenever a drain sleeps, and let it gather for as long as it likes."""

    def sleep(seconds: float) -> None:
        next(coming, None)
        time.sleep(min(seconds, 0.001))

    monkeypatch.setattr(drain_module, "time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))
    monkeypatch.setattr(drain_module, "GATHERED_WITHIN_SECONDS", 10.0)


def test_the_late_ones_of_those_who_wait_are_applied_with_the_others(
    worker: WorkerState, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    players = add_users(worker.engine, WAITING)
    for player in players:
        send(worker, player, "web-1")
    pass_time(monkeypatch, arrivals(worker, players, "web-1"))
    worker.drain.run()
    assert sizes[:2] == [WAITING, WAITING]
    assert board_of(worker) == dict.fromkeys(players, 2)


def test_where_nobody_waits_no_late_one_is_waited_for(
    worker: WorkerState, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    players = add_users(worker.engine, WAITING)
    for player in players:
        send(worker, player, None)
    pass_time(monkeypatch, arrivals(worker, players[:1], None))
    worker.drain.run()
    assert sizes == [WAITING, 1]
