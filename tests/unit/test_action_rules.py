"""The rules of actions: whether a use counts, by the uses that did."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contract.errors import ErrorCode
from common.domain import rules
from common.domain.boards import Board
from common.domain.scoring import Action

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)


def action(cooldown_seconds: int | None = None, daily_limit: int | None = None) -> Action:
    return Action("chest", 1, 10, ("main",), cooldown_seconds, daily_limit)


def test_without_rules_every_use_counts() -> None:
    assert not action().has_rules
    assert rules.judge(action(), NOON, [NOON] * 1000) is None


@pytest.mark.parametrize(
    ("apart", "refusal"),
    [
        (60 * SECOND - MILLISECOND, ErrorCode.ACTION_ON_COOLDOWN),
        (60 * SECOND, None),
        (timedelta(0), ErrorCode.ACTION_ON_COOLDOWN),
        (-60 * SECOND + MILLISECOND, ErrorCode.ACTION_ON_COOLDOWN),
        (-60 * SECOND, None),
    ],
)
def test_the_cooldown_holds_before_and_after_a_use(apart: timedelta, refusal: ErrorCode | None) -> None:
    assert rules.judge(action(cooldown_seconds=60), NOON + apart, [NOON]) is refusal


def test_so_many_uses_of_a_day_count() -> None:
    twice = action(daily_limit=2)
    assert rules.judge(twice, NOON, [NOON - SECOND]) is None
    assert rules.judge(twice, NOON, [NOON - SECOND, NOON + SECOND]) is ErrorCode.ACTION_LIMIT_REACHED


def test_days_are_utc_from_their_first_instant_to_their_last() -> None:
    once = action(daily_limit=1)
    assert rules.judge(once, MIDNIGHT, [MIDNIGHT - MILLISECOND]) is None
    assert rules.judge(once, MIDNIGHT - MILLISECOND, [MIDNIGHT]) is None
    assert rules.judge(once, MIDNIGHT - MILLISECOND, [NOON]) is ErrorCode.ACTION_LIMIT_REACHED
    in_tokyo = MIDNIGHT.astimezone(timezone(timedelta(hours=9)))
    assert rules.judge(once, in_tokyo, [NOON]) is None


def test_so_many_uses_ever_count() -> None:
    once = Action("solve", 1, 10, ("main",), lifetime_limit=1)
    years_ago = NOON - timedelta(days=5000)
    assert rules.judge(once, NOON, []) is None
    assert rules.judge(once, NOON, [years_ago]) is ErrorCode.ACTION_LIMIT_REACHED
    assert rules.window(once, NOON).since < years_ago


def test_the_cooldown_reaches_over_midnight() -> None:
    both = action(cooldown_seconds=60, daily_limit=1)
    assert rules.judge(both, MIDNIGHT + SECOND, [MIDNIGHT - SECOND]) is ErrorCode.ACTION_ON_COOLDOWN


@pytest.mark.parametrize("rule", [0, -1])
def test_a_rule_is_from_one_up(rule: int) -> None:
    with pytest.raises(ValueError, match="from 1 up"):
        action(cooldown_seconds=rule)
    with pytest.raises(ValueError, match="from 1 up"):
        action(daily_limit=rule)


@pytest.mark.parametrize(("after", "is_closed"), [(-MILLISECOND, False), (0 * SECOND, True), (SECOND, True)])
def test_a_board_is_closed_from_its_instant_on(after: timedelta, is_closed: bool) -> None:
    boards = {"main": Board("main", closes_at=NOON), "other": Board("other", closes_at=NOON - SECOND)}
    assert rules.left_out(action(), NOON + after, boards) == ({"main": ErrorCode.BOARD_CLOSED} if is_closed else {})


def test_a_board_is_open_from_its_instant_on() -> None:
    boards = {"main": Board("main", opens_at=NOON)}
    assert rules.left_out(action(), NOON - MILLISECOND, boards) == {"main": ErrorCode.BOARD_NOT_OPEN}
    assert rules.left_out(action(), NOON, boards) == {}


def test_a_use_is_refused_only_if_no_board_is_left_and_waits_only_if_all_open_later() -> None:
    of_two = Action("chest", 1, 10, ("main", "other"))
    closed, early = ErrorCode.BOARD_CLOSED, ErrorCode.BOARD_NOT_OPEN
    assert rules.refusal_of_boards(of_two, {}) is None
    assert rules.refusal_of_boards(of_two, {"main": closed}) is None
    assert rules.refusal_of_boards(of_two, {"main": early, "other": early}) is early
    assert rules.refusal_of_boards(of_two, {"main": early, "other": closed}) is closed


rule = st.none() | st.integers(1, 3)
instants = st.integers(-4 * 86_400, 4 * 86_400).map(lambda seconds: NOON + seconds * SECOND)


@given(st.builds(action, st.none() | st.integers(1, 100_000), rule), instants, st.lists(instants))
def test_only_the_uses_of_the_window_matter(ruled: Action, accepted_at: datetime, uses: list[datetime]) -> None:
    since, until = rules.window(ruled, accepted_at)
    near = [use for use in uses if since <= use <= until]
    assert rules.judge(ruled, accepted_at, near) is rules.judge(ruled, accepted_at, uses)
