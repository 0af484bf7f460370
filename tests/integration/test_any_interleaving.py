"""Random interleavings of what can happen to an update, against a model of ten lines."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
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
from common.domain.achievements import Achievement, AchievementKind
from common.domain.boards import Board, Rule, SecondScore
from common.domain.corrections import Told
from common.domain.details import PlayerVisibility
from common.domain.inbox_entries import Update
from common.domain.pagination import FIRST
from common.domain.scoring import Action, ClaimedBy, Kind
from common.postgres import achievements, catalogue, fills, parts, standings, unlocks
from common.postgres.audit import Actor
from common.redis_store import keys
from common.redis_store.inbox import Inbox
from common.redis_store.keys import BoardKeys
from common.services import showing, suspensions
from common.services.corrections import Corrector
from common.services.disqualifying import Referee
from common.services.profiles import Profiles
from common.services.suspensions import COMMAND_LINE, Decision
from tests.inbox import add_users, board_of
from tests.integration.test_scoring_rules import add_boards
from workers import batches, closing, drain, filling, maintenance
from workers.batches import Batches
from workers.state import WorkerState

POINTS = {"daily-login": 5, "complete-level": 10, "win-match": 25, "win-tournament": 100, "share": 1}
ACTIONS = [*sorted(POINTS), "play"]
RULED = {
    "played": Board("played", rule=Rule.COUNT, periods=("all",)),
    "high": Board("high", rule=Rule.HIGHEST, second=SecondScore(ascending=True), periods=("all",)),
    "low": Board("low", rule=Rule.LOWEST, ascending=True, periods=("all",)),
    "last": Board("last", rule=Rule.LATEST, periods=("all",)),
}
"""Boards that the action of values `play` feeds."""
POINTS_OF_DEATH = (
    (parts, "merge"),
    (unlocks, "record"),
    (Batches, "_record"),
    (Batches, "_project"),
    (Inbox, "acknowledge"),
    (Inbox, "finish"),
)
THREE = Achievement("three", "Three", AchievementKind.COUNT, actions=("play", *sorted(POINTS)), goal=3)
LATE = replace(THREE, id="late", retroactive=True)
"""It is made in the middle, and what happened before is filled in by and by."""
PERIODS = ("all", "daily")

users = st.integers(0, 2)
numbers = st.integers(0, 11)


class Died(BaseException):
    """The worker ended here; nothing of ours catches it."""


class Model:
    """What should come of it: every key counts once, a closed day stays as it was, who is hidden is not shown."""

    def __init__(self) -> None:
        self.suspended: set[int] = set()
        self.unlisted: set[int] = set()
        self.unlisted_at_close: set[int] = set()
        self.counted: dict[tuple[int, int], int] = {}
        self.played: dict[int, set[int]] = {}
        self.closed: Counter[int] | None = None
        self.void: set[tuple[int, int]] = set()
        self.off: set[tuple[str, int]] = set()
        self.off_at_close: set[tuple[str, int]] = set()

    def accept(self, user: int, number: int) -> None:
        if action_of(number) in POINTS:
            self.counted[user, number] = POINTS[action_of(number)]
        else:
            self.played.setdefault(user, set()).add(number)

    def uses(self, user: int) -> tuple[int, int]:
        """How many updates of a player ever counted, and how many of them do."""
        keys = {key for key in self.counted if key[0] == user} | {(user, n) for n in self.played.get(user, ())}
        return len(keys), len(keys - self.void)

    def ruled(self, board: str) -> dict[int, int]:
        """The scores on a board that `play` feeds; the greater number happened later."""
        of_rule: dict[str, Callable[[set[int]], int]] = {
            "played": len,
            "high": lambda numbers: max(map(value_of, numbers)),
            "low": lambda numbers: min(map(value_of, numbers)),
            "last": lambda numbers: value_of(max(numbers)),
        }
        gone = self.suspended | self.unlisted | self.off_board(board, self.off)
        counting = {u: {n for n in numbers if (u, n) not in self.void} for u, numbers in self.played.items()}
        return {u: of_rule[board](numbers) for u, numbers in counting.items() if numbers and u not in gone}

    @staticmethod
    def off_board(board: str, off: set[tuple[str, int]]) -> set[int]:
        return {user for name, user in off if name == board}

    def board(self, period: str) -> Counter[int]:
        is_closed = period == "daily" and self.closed is not None
        gone = self.suspended | (self.unlisted_at_close if is_closed else self.unlisted)
        gone |= self.off_board("main", self.off_at_close if is_closed else self.off)
        return Counter({user: points for user, points in self.scores(period).items() if user not in gone})

    def scores(self, period: str) -> Counter[int]:
        if period == "daily" and self.closed is not None:
            return self.closed
        counting = {key: points for key, points in self.counted.items() if key not in self.void}
        return sum((Counter({user: points}) for (user, _), points in counting.items()), Counter())


def action_of(number: int) -> str:
    """A key goes with one action, as a client that retries has it."""
    return ACTIONS[number % len(ACTIONS)]


def value_of(number: int) -> int:
    return number * 7 % 10 - 3


def update_of(user_id: str, number: int) -> Update:
    is_play = action_of(number) == "play"
    return Update(
        user_id, action_of(number), f"key-number-{number}", f"2026-11-23T09:15:00.{number:03}Z", "request-id", None,
        value=value_of(number) if is_play else None, second=number if is_play else None,
    )  # fmt: skip


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
        tables = "users, score_events, standings, periods, snapshots, score_quarantine, audit_log, voids, kept_voids"
        tables += ", disqualifications, ledger_totals, achievements, achievement_steps, step_totals, unlocks"
        with self.worker.engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {tables} CASCADE"))
            connection.execute(text("UPDATE ledger_checkpoint SET event_id = 0"))
            achievements.write(connection, [THREE], [])
        self.users = add_users(self.worker.engine, 3)
        self.model = Model()
        maintenance.repair(self.worker)

    @rule(claims=st.lists(st.tuples(users, numbers), min_size=1, max_size=4))
    def accept(self, claims: list[tuple[int, int]]) -> None:
        for user, number in claims:
            self.worker.inbox.accept(update_of(self.users[user], number))
            self.model.accept(user, number)

    @rule(user=users, number=numbers)
    def forget_receipt(self, user: int, number: int) -> None:
        """A retry after this is accepted anew, and found in the ledger."""
        self.worker.redis.delete(keys.receipt(self.users[user], f"key-number-{number}"))

    @rule()
    def achieve_late(self) -> None:
        with self.worker.engine.begin() as connection:
            if LATE not in achievements.load(connection):
                achievements.write(connection, [LATE], [])

    @rule(dies=st.booleans())
    def fill(self, dies: bool) -> None:
        """One more player, unless the process dies before it commits."""
        with self.worker.engine.connect() as connection:
            if fills.due(connection):
                fills.fill(connection, LATE.id, 1)
            connection.rollback() if dies else connection.commit()

    @rule()
    def apply(self) -> None:
        self.worker.drain.run()

    @rule(where=st.sampled_from(POINTS_OF_DEATH), steps=st.sampled_from((1, 2)))
    def die(self, where: tuple[Any, str], steps: int) -> None:
        in_one_step = batches.MOST_ROWS_IN_ONE_STEP if steps == 1 else -1
        with patch.object(batches, "MOST_ROWS_IN_ONE_STEP", in_one_step), dying_after(*where):
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
            showing.show(self.worker.engine, self.worker.board, self.worker.inbox, self.users[user])

    @rule(user=users, visibility=st.sampled_from(PlayerVisibility), tells=st.booleans())
    def choose(self, user: int, visibility: PlayerVisibility, tells: bool) -> None:
        profiles = Profiles(self.worker.engine, self.worker.board, self.worker.inbox)
        if tells:
            profiles.set_visibility(self.users[user], visibility)
        else:
            with patch.object(showing, "show", lambda *_: None):
                profiles.set_visibility(self.users[user], visibility)
        is_unlisted = visibility is PlayerVisibility.UNLISTED
        (self.model.unlisted.add if is_unlisted else self.model.unlisted.discard)(user)

    @rule(user=users, number=numbers, voids=st.booleans(), tells=st.booleans())
    def correct(self, user: int, number: int, voids: bool, tells: bool) -> None:
        """Of what is recorded. A period that is closed keeps it, or stays without it."""
        find = text("SELECT id FROM score_events WHERE user_id = CAST(:user AS uuid) AND idempotency_key = :key")
        values = {"user": self.users[user], "key": f"key-number-{number}"}
        with self.worker.engine.connect() as connection:
            event = connection.execute(find, values).scalar()
        if event is None:
            return
        corrector = Corrector(self.worker.engine, self.worker.board, self.worker.inbox)
        act = corrector.void_event if voids else corrector.restore_event
        with nullcontext() if tells else patch.object(showing, "show", lambda *_: None):
            act(event, Told("a try", amends=False), Actor("chief"))
        (self.model.void.add if voids else self.model.void.discard)((user, number))

    @rule(user=users, board=st.sampled_from(["main", *RULED]), is_off=st.booleans(), tells=st.booleans())
    def judge(self, user: int, board: str, is_off: bool, tells: bool) -> None:
        referee = Referee(self.worker.engine, self.worker.board, self.worker.inbox)
        act = referee.disqualify if is_off else referee.requalify
        with nullcontext() if tells else patch.object(showing, "show", lambda *_: None):
            act(board, self.users[user], Told("a try", amends=False), Actor("chief"))
        (self.model.off.add if is_off else self.model.off.discard)((board, user))

    @rule()
    def follow(self) -> None:
        """The ledger's checkpoint comes to the end of the ledger."""
        of = self.worker.verifier.checkpoint
        of.advance(of.find_stable_id(), 1_000, 5_000)

    @rule(user=users)
    def recount(self, user: int) -> None:
        self.worker.verifier.recount([self.users[user]])
        for period in PERIODS:
            self.worker.rebuilder.rebuild("main", self._id(period))

    @rule(board=st.sampled_from(sorted(RULED)), rebuilds=st.booleans())
    def lose_a_board_of_values(self, board: str, rebuilds: bool) -> None:
        self.worker.redis.delete(BoardKeys(board, "all").scores)
        if rebuilds:
            self.worker.rebuilder.rebuild(board, "all")

    @precondition(lambda self: self.model.counted and self.model.closed is None)
    @rule(finishes_first=st.booleans())
    def roll_over(self, finishes_first: bool) -> None:
        """The day ends by the clock; it closes only if nothing of it is pending."""
        while finishes_first and self.worker.inbox.depth():
            self.worker.drain.run()
        closed = closing.close_ended(self.worker, datetime.now(UTC) + timedelta(days=40))
        if any(period.period_id == self._id("daily") for period in closed):
            self.model.closed = self.model.scores("daily")
            self.model.unlisted_at_close = set(self.model.unlisted)
            self.model.off_at_close = set(self.model.off)

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
        maintenance.show_changes(self.worker)
        for period in PERIODS:
            self.worker.rebuilder.ensure_served("main", self._id(period))
            due = {self.users[user]: points for user, points in self.model.board(period).items()}
            with self.worker.engine.connect() as connection:
                rows = standings.top(connection, "main", self._id(period), 10).entries
            assert {entry.user_id: entry.score for entry in rows} == due
            assert board_of(self.worker, self._id(period)) == due
        for board in RULED:
            self.worker.rebuilder.ensure_served(board, "all")
            shown = self.worker.board.page(board, "all", 10, FIRST).rows.entries
            due = {self.users[user]: score for user, score in self.model.ruled(board).items()}
            assert {entry.user_id: entry.score for entry in shown} == due
        assert self.worker.verifier.check(self.users) == []
        filling.fill_some(self.worker)
        self._check_achievements()
        assert self.worker.verifier.check(self.users) == []

    def _check_achievements(self) -> None:
        """A void takes steps back and leaves what is unlocked, so whoever was ever at the goal may have it."""
        with self.worker.engine.connect() as connection:
            there = achievements.load(connection)
            unlocked = unlocks.achieved(connection, self.users)
            for number, user_id in enumerate(self.users):
                steps = unlocks.steps_of(connection, user_id)
                ever, now = self.model.uses(number)
                for each in there:
                    assert steps.get((each.id, ""), 0) == min(3, now)
                    assert now < 3 or each.id in unlocked[user_id]
                    assert ever >= 3 or each.id not in unlocked[user_id]

    @staticmethod
    def _id(period: str) -> str:
        return periods.current(period, datetime.now(UTC)).id


@pytest.mark.timeout(300)
def test_whatever_happens_in_whatever_order_every_key_counts_once(worker: WorkerState) -> None:
    class OnThisWorker(Interleavings):
        pass

    OnThisWorker.worker = worker
    with worker.engine.begin() as connection:
        add_boards(connection, list(RULED.values()))
        play = Action("play", 1, 0, tuple(RULED), kind=Kind.VALUE, claimed_by=ClaimedBy.SERVER)
        catalogue.add(connection, play, enabled=True)
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
