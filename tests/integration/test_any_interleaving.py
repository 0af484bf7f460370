"""Random interleavings of what can happen to an update, against a model of ten lines."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from common.domain import periods
from common.domain.inbox_entries import Update
from common.postgres import standings
from common.redis_store import keys
from common.redis_store.inbox import Inbox
from common.redis_store.keys import BoardKeys
from common.services import suspensions
from common.services.suspensions import COMMAND_LINE, Decision
from tests.inbox import add_users, board_of
from workers import closing, drain, maintenance
from workers.batches import Batches
from workers.state import WorkerState

POINTS = {"daily-login": 5, "complete-level": 10, "win-match": 25, "win-tournament": 100, "share": 1}
ACTIONS = sorted(POINTS)
POINTS_OF_DEATH = ((standings, "merge"), (Batches, "_record"), (Batches, "_project"), (Inbox, "acknowledge"))
PERIODS = ("all", "daily")

users = st.integers(0, 2)
numbers = st.integers(0, 11)


class Died(BaseException):
    """The worker ended here; nothing of ours catches it."""


class Model:
    """What should come of it: every key counts once, a closed day stays as it was, who is suspended is not shown."""

    def __init__(self) -> None:
        self.suspended: set[int] = set()
        self.counted: dict[tuple[int, int], int] = {}
        self.closed: Counter[int] | None = None

    def accept(self, user: int, number: int) -> None:
        self.counted[user, number] = POINTS[action_of(number)]

    def board(self, period: str) -> Counter[int]:
        return Counter({user: points for user, points in self.scores(period).items() if user not in self.suspended})

    def scores(self, period: str) -> Counter[int]:
        if period == "daily" and self.closed is not None:
            return self.closed
        return sum((Counter({user: points}) for (user, _), points in self.counted.items()), Counter())


def action_of(number: int) -> str:
    """A key goes with one action, as a client that retries has it."""
    return ACTIONS[number % len(ACTIONS)]


@contextmanager
def dying_after(owner: Any, name: str) -> Iterator[None]:  # noqa: ANN401 - a class or a module
    act = getattr(owner, name)

    def die(*arguments: Any, **keywords: Any) -> None:  # noqa: ANN401
        act(*arguments, **keywords)
        raise Died

    with patch.object(owner, name, die):
        yield


class Interleavings(RuleBasedStateMachine):
    """One worker after another on one inbox."""

    worker: WorkerState

    @initialize()
    def begin(self) -> None:
        self.worker.redis.flushdb()
        tables = "users, score_events, standings, periods, snapshots, score_quarantine, audit_log"
        with self.worker.engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {tables} CASCADE"))
        self.users = add_users(self.worker.engine, 3)
        self.model = Model()
        maintenance.repair(self.worker)

    @rule(claims=st.lists(st.tuples(users, numbers), min_size=1, max_size=4))
    def accept(self, claims: list[tuple[int, int]]) -> None:
        for user, number in claims:
            update = (self.users[user], action_of(number), f"key-number-{number}")
            self.worker.inbox.accept(Update(*update, "2026-11-23T09:15:00.123Z", "request-id", None))
            self.model.accept(user, number)

    @rule(user=users, number=numbers)
    def forget_receipt(self, user: int, number: int) -> None:
        """A retry after this is accepted anew, and found in the ledger."""
        self.worker.redis.delete(keys.receipt(self.users[user], f"key-number-{number}"))

    @rule()
    def apply(self) -> None:
        self.worker.drain.run()

    @rule(where=st.sampled_from(POINTS_OF_DEATH))
    def die(self, where: tuple[Any, str]) -> None:
        with dying_after(*where):
            try:
                self.worker.drain.run()
            except Died:
                return

    @rule(period=st.sampled_from(PERIODS), which=st.sampled_from(("scores", "members", "meta")))
    def lose(self, period: str, which: str) -> None:
        self.worker.redis.delete(getattr(BoardKeys("main", self._id(period)), which))

    @rule(period=st.sampled_from(PERIODS))
    def rebuild(self, period: str) -> None:
        self.worker.rebuilder.rebuild("main", self._id(period))

    @rule(user=users, suspended=st.booleans(), tells=st.booleans())
    def moderate(self, user: int, suspended: bool, tells: bool) -> None:
        with self.worker.engine.begin() as connection:
            suspensions.decide(connection, Decision(self.users[user], suspended, COMMAND_LINE, ""))
        (self.model.suspended.add if suspended else self.model.suspended.discard)(user)
        if tells:
            suspensions.sync_to_redis(self.worker.engine, self.worker.board, self.worker.inbox, self.users[user])

    @rule(user=users)
    def recount(self, user: int) -> None:
        self.worker.verifier.recount([self.users[user]])
        for period in PERIODS:
            self.worker.rebuilder.rebuild("main", self._id(period))

    @precondition(lambda self: self.model.counted and self.model.closed is None)
    @rule(finishes_first=st.booleans())
    def roll_over(self, finishes_first: bool) -> None:
        """The day ends by the clock; it closes only if nothing of it is pending."""
        while finishes_first and self.worker.inbox.depth():
            self.worker.drain.run()
        closed = closing.close_ended(self.worker, datetime.now(UTC) + timedelta(days=40))
        if any(period.period_id == self._id("daily") for period in closed):
            self.model.closed = self.model.scores("daily")

    @invariant()
    def nothing_is_ever_too_much(self) -> None:
        if hasattr(self, "model"):
            with self.worker.engine.connect() as connection:
                rows = standings.top(connection, "main", "all", 10).entries
            due = self.model.board("all")
            assert all(entry.score <= due[self.users.index(entry.user_id)] for entry in rows)

    def teardown(self) -> None:
        while self.worker.inbox.depth():
            self.worker.drain.run()
        maintenance.sync_suspensions(self.worker)
        for period in PERIODS:
            self.worker.rebuilder.ensure_served("main", self._id(period))
            due = {self.users[user]: points for user, points in self.model.board(period).items()}
            with self.worker.engine.connect() as connection:
                rows = standings.top(connection, "main", self._id(period), 10).entries
            assert {entry.user_id: entry.score for entry in rows} == due
            assert board_of(self.worker, self._id(period)) == due
        assert self.worker.verifier.check(self.users) == []

    @staticmethod
    def _id(period: str) -> str:
        return periods.current(period, datetime.now(UTC)).id


@pytest.mark.timeout(300)
def test_whatever_happens_in_whatever_order_every_key_counts_once(worker: WorkerState) -> None:
    class OnThisWorker(Interleavings):
        pass

    OnThisWorker.worker = worker
    with patch.object(drain, "ABANDONED_MS", 0), patch.object(drain, "WAIT_FOR_MORE_MS", 1):
        run_state_machine_as_test(
            OnThisWorker,
            settings=settings(
                max_examples=20,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                print_blob=True,
            ),
        )
