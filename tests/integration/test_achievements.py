"""Achievements in the scoring transaction: steps and scores in any order, unlocked once, whoever dies where."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from common.core.chunk_size import ChunkSize
from common.domain.achievements import Achievement, AchievementKind, StepKey
from common.domain.achievements import steps_of as folded_steps
from common.domain.boards import Board, Rule
from common.domain.corrections import Told
from common.domain.inbox_entries import Update
from common.domain.ledger_row import LedgerRow
from common.domain.scoring import Action, ClaimedBy, Kind
from common.domain.seasons import Season
from common.postgres import achievements, erasure, fills, own_data, unlocks
from common.postgres.achievements import Changed
from common.postgres.audit import Actor
from common.redis_store.inbox import Inbox
from common.services import achieving
from common.services.corrections import Corrector
from common.services.disqualifying import Referee
from tests.inbox import accept, accept_at, add_action, add_users, drain_completely
from tests.integration.test_corrections import no_drift
from tests.integration.test_lean_batches import noted_statements
from tests.integration.test_scoring_rules import add_boards
from workers import batches, filling
from workers.batches import Batches
from workers.state import WorkerState

WHY, CHIEF = Told("scored with a modified client"), Actor("chief")
WINS = Achievement("wins", "Three wins", AchievementKind.COUNT, actions=("win-match", "win-tournament"), goal=3)
DAILY = Achievement("daily", "Two a day", AchievementKind.COUNT, actions=("win-match",), goal=2, repeats="daily")
HUNDRED = Achievement("hundred", "A hundred", AchievementKind.SCORE, board_id="main", period="all", reach=100)
POINTS_OF_DEATH = (
    (unlocks, "record"),
    (Batches, "_record"),
    (Batches, "_project"),
    (Inbox, "acknowledge"),
    (Inbox, "finish"),
)
SEASONS = (
    Season("spring", datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)),
    Season("summer", datetime(2026, 11, 25, tzinfo=UTC), datetime(2026, 11, 26, tzinfo=UTC)),
)
SCOPES: dict[str | None, dict[int, str | None]] = {
    None: dict.fromkeys((23, 24, 25), ""),
    "daily": {23: "2026-11-23", 24: "2026-11-24", 25: "2026-11-25"},
    "season": {23: "s-spring", 24: None, 25: "s-summer"},
}
"""By what repeats, and the day: the scope in which a use counts."""


def make(worker: WorkerState, *wanted: Achievement) -> None:
    """Make achievements as `PUT` does. No worker is told of them: the next batch has to notice."""
    with worker.engine.begin() as connection:
        achievements.write(connection, wanted, [])


def change(worker: WorkerState, before: Achievement, **fields: Any) -> Achievement:  # noqa: ANN401
    after = replace(before, **fields)
    with worker.engine.begin() as connection:
        achievements.write(connection, [], [Changed(before, after)])
    return after


def unlocked(worker: WorkerState) -> Counter[StepKey]:
    with worker.engine.connect() as connection:
        rows = connection.execute(text("SELECT user_id::text, achievement_id, scope FROM unlocks"))
        return Counter(StepKey(*row) for row in rows)


def steps(worker: WorkerState, user_id: str, achievement_id: str = WINS.id, scope: str = "") -> int:
    with worker.engine.connect() as connection:
        return unlocks.steps_of(connection, user_id).get((achievement_id, scope), 0)


def win(worker: WorkerState, user_id: str, times: int = 1) -> list[str]:
    """Win so many matches, and have them counted; the keys of the updates."""
    won = [accept(worker, user_id) for _ in range(times)]
    drain_completely(worker)
    return won


@contextmanager
def announcements(worker: WorkerState) -> Iterator[list[list[Any]]]:
    """Each unlock that viewers are told of, in order, as [user id, achievement id, scope, at]."""
    told: list[list[Any]] = []
    settle, finish, announce = Inbox.acknowledge, Inbox.finish, Inbox.announce

    def note(news: bytes | None) -> None:
        told.extend(orjson.loads(news or b"{}").get("unlocked", []))

    def acknowledge(inbox: Inbox, ids: Sequence[str], replies: Any, news: bytes | None) -> None:  # noqa: ANN401
        settle(inbox, ids, replies, news)
        note(news)

    def finish_and_note(inbox: Inbox, committed: Any, ids: Sequence[str], replies: Any, news: bytes) -> bool:  # noqa: ANN401
        is_finished = finish(inbox, committed, ids, replies, news)
        if is_finished:
            note(re.sub(rb"\x01\d+\x01", b"0", news))
        return is_finished

    def tell(inbox: Inbox, news: bytes) -> None:
        announce(inbox, news)
        note(news)

    with (
        patch.object(Inbox, "acknowledge", acknowledge),
        patch.object(Inbox, "finish", finish_and_note),
        patch.object(Inbox, "announce", tell),
    ):
        yield told


@contextmanager
def as_reaches(point: tuple[Any, str]) -> Iterator[None]:
    """Let small batches be finished in the number of steps in which this point is reached."""
    steps = nullcontext() if point == (Inbox, "finish") else patch.object(batches, "MOST_ROWS_IN_ONE_STEP", -1)
    with steps:
        yield


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    happened=st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from(["a", "b", "c"]), st.integers(0, 2), st.booleans()), max_size=14
    ),
    goal=st.integers(1, 6),
    shuffled=st.randoms(use_true_random=False),
    data=st.data(),
)
def test_steps_and_unlocks_are_what_a_model_says_in_any_order_with_any_borders_of_batches(
    worker: WorkerState,
    happened: list[tuple[int, str, int, bool]],
    goal: int,
    shuffled: object,
    data: st.DataObject,
) -> None:
    """Who used which action on which of three days, and whether it was refused."""
    users = ["00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"]
    once = Achievement("once", "Once", AchievementKind.COUNT, actions=("a", "b"), goal=goal)
    often = replace(once, id="often", actions=("b", "c"), repeats="daily")
    seldom = replace(once, id="seldom", actions=("a", "c"), repeats="season", board_id="main")
    counting = {"a": (once, seldom), "b": (once, often), "c": (often, seldom)}
    rows = [_row(n, users[user], action, day, refused=bad) for n, (user, action, day, bad) in enumerate(happened, 1)]
    model = Counter(
        StepKey(row.user_id, each.id, scope)
        for row in rows
        if row.refusal is None
        for each in counting[row.action_id]
        for scope in [SCOPES[each.repeats][row.accepted_at.day]]
        if scope is not None
    )
    shuffled.shuffle(rows)  # type: ignore[attr-defined]  # hypothesis hands out a random.Random
    cuts = data.draw(st.lists(st.integers(0, len(rows)), max_size=4).map(sorted), label="borders of batches")
    seen: Counter[StepKey] = Counter()
    with worker.engine.connect() as connection:
        achievements.write(connection, [once, often, seldom], [])
        for start, end in pairwise([0, *cuts, len(rows)]):
            folded = folded_steps(rows[start:end], counting, {"main": Board("main", seasons=SEASONS)})
            new = unlocks.record(connection, folded, {}, datetime.now(UTC))
            seen.update(StepKey(each.user_id, each.achievement_id, each.scope) for each in new)
        found = {
            StepKey(user, *place): count
            for user in users
            for place, count in unlocks.steps_of(connection, user).items()
        }
        connection.rollback()
    assert found == {key: min(count, goal) for key, count in model.items()}
    assert seen == Counter(key for key, count in model.items() if count >= goal)


def _row(number: int, user_id: str, action_id: str, day: int, *, refused: bool) -> LedgerRow:
    at = datetime(2026, 11, 23 + day, 12, tzinfo=UTC)
    refusal = "action_limit_reached" if refused else None
    return LedgerRow(number, user_id, str(number), action_id, 1, 0, refusal, 0, at, at, at, False)


def test_the_use_that_completes_the_goal_unlocks_it_and_further_ones_do_nothing(worker: WorkerState) -> None:
    make(worker, WINS)
    (ada,) = add_users(worker.engine, 1)
    win(worker, ada, 2)
    assert (steps(worker, ada), unlocked(worker)) == (2, Counter())
    with announcements(worker) as told:
        accept(worker, ada, "win-tournament")
        win(worker, ada, 3)
    assert unlocked(worker) == {StepKey(ada, WINS.id, ""): 1}
    assert [each[:3] for each in told] == [[ada, WINS.id, ""]]
    assert steps(worker, ada) == 3
    assert no_drift(worker)


def test_a_definition_counts_from_its_moment_on_though_no_worker_was_told_of_it(worker: WorkerState) -> None:
    (ada,) = add_users(worker.engine, 1)
    win(worker, ada, 2)  # the worker has read the catalogue by now
    make(worker, WINS)
    win(worker, ada, 2)
    assert steps(worker, ada) == 2
    off = change(worker, WINS, enabled=False)
    win(worker, ada, 2)
    change(worker, off, enabled=True)
    assert steps(worker, ada) == 2
    win(worker, ada)
    assert unlocked(worker) == {StepKey(ada, WINS.id, ""): 1}
    assert no_drift(worker)


def test_one_that_repeats_has_steps_and_an_unlock_in_each_period(worker: WorkerState) -> None:
    make(worker, DAILY)
    (ada,) = add_users(worker.engine, 1)
    days = [datetime(2026, 11, 24, 12, tzinfo=UTC), datetime(2026, 11, 25, 12, tzinfo=UTC)]
    for day in (days[0], days[1], days[1], days[1]):
        accept_at(worker, ada, day)
        drain_completely(worker)
    assert [steps(worker, ada, DAILY.id, f"2026-11-{day}") for day in (24, 25)] == [1, 2]
    assert unlocked(worker) == {StepKey(ada, DAILY.id, "2026-11-25"): 1}
    assert no_drift(worker)


def test_a_refused_use_is_no_step(worker: WorkerState) -> None:
    make(worker, replace(WINS, actions=("rare",)))
    add_action(worker, Action("rare", 1, 5, ("main",), daily_limit=1))
    (ada,) = add_users(worker.engine, 1)
    for _ in range(3):
        accept(worker, ada, "rare")
    drain_completely(worker)
    assert steps(worker, ada) == 1
    assert no_drift(worker)


@pytest.mark.parametrize("point", POINTS_OF_DEATH)
def test_a_worker_that_dies_anywhere_unlocks_once_and_the_redelivery_announces_it(
    worker: WorkerState, point: tuple[Any, str]
) -> None:
    class Died(BaseException):
        """Nothing of ours catches it."""

    make(worker, WINS, HUNDRED)
    (ada,) = add_users(worker.engine, 1)
    for _ in range(4):
        accept(worker, ada)
    owner, name = point
    act = getattr(owner, name)

    def die(*arguments: Any, **keywords: Any) -> None:  # noqa: ANN401
        act(*arguments, **keywords)
        raise Died

    entries = worker.inbox.read("dying", 100)
    with announcements(worker) as told:
        with as_reaches(point), patch.object(owner, name, die), pytest.raises(Died):
            worker.drain.batches.apply(entries)
        worker.drain.batches.apply(entries)
    due = {StepKey(ada, WINS.id, ""), StepKey(ada, HUNDRED.id, "")}
    assert unlocked(worker) == Counter(due)
    assert {StepKey(*each[:3]) for each in told} == due
    with worker.engine.connect() as connection:
        at = {each.unlocked_at for each in unlocks.of_player(connection, ada)}
    assert {each[3] for each in told} == at, "a repeat tells the same instant"
    assert no_drift(worker)


def test_without_a_definition_a_batch_sends_not_a_statement_more_and_with_one_a_single_one(worker: WorkerState) -> None:
    (ada,) = add_users(worker.engine, 1)
    win(worker, ada)
    numbers = []
    for wanted in (None, WINS):
        if wanted:
            make(worker, wanted)
            win(worker, ada)
        accept(worker, ada)
        entries = worker.inbox.read("tests", 100)
        with noted_statements(worker) as sent:
            worker.drain.batches.apply(entries)
        numbers.append(len(sent))
    assert numbers == [3, 4]


@pytest.mark.parametrize(("rule", "values", "reach", "expected"), [
    (Rule.LOWEST, [62_000, 59_000, 58_000], 60_000, True),
    (Rule.LOWEST, [62_000, 61_000], 60_000, False),
    (Rule.HIGHEST, [50, 120], 100, True),
    (Rule.COUNT, [0, 0, 0], 3, True),
])  # fmt: skip
def test_a_score_that_is_good_enough_unlocks_it_under_every_order(
    worker: WorkerState, rule: Rule, values: list[int], reach: int, *, expected: bool
) -> None:
    board = Board("laps", rule=rule, ascending=rule is Rule.LOWEST, periods=("all",))
    with worker.engine.begin() as connection:
        add_boards(connection, [board])
    add_action(worker, Action("lap", 1, 0, ("laps",), kind=Kind.VALUE, claimed_by=ClaimedBy.SERVER))
    make(worker, replace(HUNDRED, board_id="laps", reach=reach))
    (ada,) = add_users(worker.engine, 1)
    for number, value in enumerate(values):
        worker.inbox.accept(lap(ada, number, value))
        drain_completely(worker)
    assert unlocked(worker) == ({StepKey(ada, HUNDRED.id, ""): 1} if expected else {})


def lap(user_id: str, number: int, value: int) -> Update:
    at = "2026-11-23T09:15:00.123Z"
    return Update(user_id, "lap", f"lap-number-{number}", at, "request-id", None, source="a-key", value=value)


def test_who_is_off_a_board_reaches_nothing_there(worker: WorkerState) -> None:
    make(worker, HUNDRED)
    (ada,) = add_users(worker.engine, 1)
    Referee(worker.engine, worker.board, worker.inbox).disqualify("main", ada, WHY, CHIEF)
    win(worker, ada, 5)
    assert unlocked(worker) == Counter()


def test_a_void_takes_steps_back_and_leaves_the_unlock_and_a_restoration_may_unlock(worker: WorkerState) -> None:
    make(worker, WINS)
    ada, ben = add_users(worker.engine, 2)
    corrector = Corrector(worker.engine, worker.board, worker.inbox)
    win(worker, ada, 3)
    win(worker, ben, 2)
    with worker.engine.connect() as connection:
        events = dict.fromkeys((ada, ben), 0)
        for row in connection.execute(text("SELECT user_id::text, max(id) AS id FROM score_events GROUP BY 1")):
            events[row.user_id] = row.id
    for user in (ada, ben):
        corrector.void_event(events[user], WHY, CHIEF)
    assert [steps(worker, user) for user in (ada, ben)] == [2, 1]
    assert unlocked(worker) == {StepKey(ada, WINS.id, ""): 1}
    win(worker, ada)
    win(worker, ben)
    with announcements(worker) as told:
        corrector.restore_event(events[ben], WHY, CHIEF)
    assert unlocked(worker) == {StepKey(ada, WINS.id, ""): 1, StepKey(ben, WINS.id, ""): 1}
    assert [each[0] for each in told] == [ben]
    assert no_drift(worker)


def test_what_was_revoked_begins_at_zero_and_may_be_earned_again(worker: WorkerState) -> None:
    make(worker, WINS)
    (ada,) = add_users(worker.engine, 1)
    win(worker, ada, 3)
    for expected in (1, 0):
        assert achieving.revoke(worker.engine, WINS.id, ada, reason="a try", actor=CHIEF) == expected
    assert (unlocked(worker), steps(worker, ada)) == (Counter(), 0)
    assert no_drift(worker)
    win(worker, ada, 2)
    assert (unlocked(worker), steps(worker, ada)) == (Counter(), 2)
    assert no_drift(worker)
    win(worker, ada)
    assert unlocked(worker) == {StepKey(ada, WINS.id, ""): 1}


def test_what_happened_before_is_filled_in_by_slices_beside_what_happens(
    worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every slice may be the last one of a process, and players go on scoring between two of them."""
    players = add_users(worker.engine, 5)
    for number, player in enumerate(players):
        win(worker, player, number)
    make(worker, replace(WINS, retroactive=True), replace(HUNDRED, retroactive=True))
    monkeypatch.setattr(filling, "SLICE", ChunkSize(2, least=1, most=2))
    monkeypatch.setattr(filling, "TURN_SECONDS", 0.0)
    with worker.engine.connect() as connection:
        assert fills.due(connection) == [HUNDRED.id, WINS.id]
    done = 0
    while True:
        with worker.engine.connect() as connection:
            due = fills.due(connection)
        if not due:
            break
        filling._slice(worker.engine, due[-1], filling.SLICE)
        if done < 2:
            win(worker, players[0])
        assert no_drift(worker)
        done += 1
    assert [steps(worker, player) for player in players] == [2, 1, 2, 3, 3]
    assert unlocked(worker) == Counter({
        StepKey(players[3], WINS.id, ""), StepKey(players[4], WINS.id, ""), StepKey(players[4], HUNDRED.id, "")
    })  # fmt: skip
    filling.fill_some(worker)
    win(worker, players[0])
    assert StepKey(players[0], WINS.id, "") in unlocked(worker)
    assert no_drift(worker)


def test_a_drift_of_steps_is_found_and_repaired(worker: WorkerState) -> None:
    make(worker, WINS)
    (ada,) = add_users(worker.engine, 1)
    win(worker, ada, 2)
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE achievement_steps SET steps = 1"))
    (drift,) = worker.verifier.check([ada])
    assert (drift.where, drift.key, drift.expected, drift.found) == (
        "steps", (WINS.id, "", ada), (2, 0, 0), (1, 0, 0)
    )  # fmt: skip
    worker.verifier.recount([ada])
    assert steps(worker, ada) == 2
    assert no_drift(worker)


def test_a_copy_of_ones_data_has_them_and_a_purge_leaves_nothing(worker: WorkerState) -> None:
    make(worker, WINS)
    (ada,) = add_users(worker.engine, 1)
    win(worker, ada, 3)
    with worker.engine.connect() as connection:
        data = own_data.read(connection, ada)
    assert [row.achievement_id for row in data.unlocks] == [WINS.id]
    assert [(row.achievement_id, row.steps) for row in data.steps] == [(WINS.id, 3)]
    with worker.engine.begin() as connection:
        erasure.purge(connection, ada)
    assert (unlocked(worker), steps(worker, ada)) == (Counter(), 0)


def test_rarity_is_the_share_of_players_as_it_was_counted_last(worker: WorkerState) -> None:
    make(worker, WINS)
    players = add_users(worker.engine, 4)
    win(worker, players[0], 3)
    filling.count_rarities(worker)
    with worker.engine.connect() as connection:
        assert achievements.rarities(connection) == {WINS.id: 0.25}
