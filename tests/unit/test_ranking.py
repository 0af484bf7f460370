"""The one total order, and how it is written into a Redis member."""

from hypothesis import given
from hypothesis import strategies as st

from common.domain.ranking import GREATEST_TIE, percentile, tiebreaker_of, user_of

USER = "00000000-0000-4000-8000-00000000000a"


@given(st.integers(0, GREATEST_TIE))
def test_a_member_gives_its_user_and_its_ledger_id_back(tie: int) -> None:
    assert user_of(f"{tie:015}:{USER}") == USER
    assert tiebreaker_of(f"{tie:015}:{USER}", ascending=True) == tie
    assert tiebreaker_of(f"{GREATEST_TIE - tie:015}:{USER}", ascending=False) == tie


def test_the_first_of_many_is_level_with_or_ahead_of_everybody() -> None:
    assert percentile(1, 200) == 100.0
    assert percentile(200, 200) == 0.5
    assert percentile(1, 1) == 100.0
