"""The one total order, and how it is written into a Redis member."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ranking import GREATEST_TIE, TIE_DIGITS, member, percentile, tie_rank, user_of

USER = "00000000-0000-4000-8000-00000000000a"
ties = st.integers(0, GREATEST_TIE)


@given(ties, ties)
def test_the_earlier_ledger_id_sorts_higher_as_text(one: int, other: int) -> None:
    assert (one < other) == (tie_rank(one) > tie_rank(other))


@given(ties)
def test_a_member_gives_its_user_back(tie: int) -> None:
    assert user_of(member(tie, USER)) == USER
    assert len(member(tie, USER)) == TIE_DIGITS + 1 + len(USER)


@pytest.mark.parametrize("tie", [-1, GREATEST_TIE + 1])
def test_a_ledger_id_beyond_the_fixed_width_is_refused(tie: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        tie_rank(tie)


def test_the_first_of_many_is_level_with_or_ahead_of_everybody() -> None:
    assert percentile(1, 200) == 100.0
    assert percentile(200, 200) == 0.5
    assert percentile(1, 1) == 100.0
