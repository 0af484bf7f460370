"""What an event does to a standing: the fold, its order, and the score after each event."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contract.constants import GREATEST_SCORE
from common.domain.boards import Board
from common.domain.parts import Event, Part, join
from common.domain.scoring import Action, fold, scores_after
from common.domain.standing import StandingKey

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADA, BOB = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"


BOARDS = {"main": Board("main"), "side": Board("side")}


def event(
    ledger_id: int, points: int, user_id: str = ADA, boards: tuple[str, ...] = ("main",), at: datetime = NOON
) -> Event:
    return Event(ledger_id, user_id, points, boards, at)


def all_time(board_id: str = "main", user_id: str = ADA) -> StandingKey:
    return StandingKey(board_id, "all", user_id)


events = st.lists(
    st.builds(
        event,
        st.integers(1, 10**6),
        st.integers(-100, 100),
        st.sampled_from([ADA, BOB]),
        st.sampled_from([("main",), ("main", "side"), ()]),
    ),
    unique_by=lambda each: each.ledger_id,
)


def test_points_of_one_player_add_up() -> None:
    parts = fold([event(1, 25), event(2, 10)], BOARDS)
    assert parts[all_time()] == Part(35, 2)


def test_an_event_counts_in_all_four_periods_of_its_acceptance() -> None:
    parts = fold([event(1, 25)], BOARDS)
    assert {key.period_id for key in parts} == {"all", "2026-11-23", "2026-W48", "2026-11"}


def test_an_event_counts_only_in_the_periods_that_a_board_has() -> None:
    boards = {"main": Board("main"), "laps": Board("laps", periods=("all", "weekly"))}
    parts = fold([event(1, 25, boards=("main", "laps", "gone"))], boards)
    assert {key.period_id for key in parts if key.board_id == "laps"} == {"all", "2026-W48"}
    assert {key.board_id for key in parts} == {"main", "laps"}


def test_an_event_feeds_every_board_its_action_names() -> None:
    parts = fold([event(1, 25, boards=("main", "side"))], BOARDS)
    assert parts[all_time("main")] == parts[all_time("side")] == Part(25, 1)


def test_events_on_both_sides_of_midnight_feed_two_days_and_one_all_time() -> None:
    before, after = event(1, 5, at=NOON.replace(hour=23, minute=59)), event(2, 5, at=NOON.replace(day=24, hour=0))
    parts = fold([before, after], BOARDS)
    assert parts[StandingKey("main", "2026-11-23", ADA)] == Part(5, 1)
    assert parts[StandingKey("main", "2026-11-24", ADA)] == Part(5, 2)
    assert parts[all_time()] == Part(10, 2)


def test_an_event_of_nothing_neither_ranks_a_player_nor_moves_the_tie() -> None:
    assert fold([event(1, 0)], BOARDS) == {}
    assert fold([event(1, 5), event(2, 0)], BOARDS)[all_time()] == Part(5, 1)


@given(events, st.randoms(use_true_random=False))
def test_the_order_of_events_never_shows(batch: list[Event], shuffler: object) -> None:
    shuffled = list(batch)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis hands out a random.Random
    assert fold(batch, BOARDS) == fold(shuffled, BOARDS)


@given(events, st.integers(0, 20))
def test_two_batches_joined_are_the_same_as_one(batch: list[Event], cut: int) -> None:
    joined = fold(batch[:cut], BOARDS)
    for key, part in fold(batch[cut:], BOARDS).items():
        joined[key] = join(joined[key], part, BOARDS[key.board_id]) if key in joined else part
    assert joined == fold(batch, BOARDS)


@given(events)
def test_the_score_after_an_event_is_the_sum_up_to_it(batch: list[Event]) -> None:
    counted = [each for each in batch if "main" in each.boards]
    final = {user: sum(each.points for each in counted if each.user_id == user) for user in (ADA, BOB)}
    after = scores_after(batch, "main", final)
    for each in batch:
        earlier = [past for past in counted if past.user_id == each.user_id and past.ledger_id <= each.ledger_id]
        assert after[each.ledger_id] == sum(past.points for past in earlier)


def test_a_player_without_a_standing_has_a_score_of_nothing() -> None:
    assert scores_after([event(7, 0)], "main", {}) == {7: 0}


def test_an_action_worth_more_than_a_total_may_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="2\\^53-1"):
        Action("too-much", 1, GREATEST_SCORE + 1, ("main",))
