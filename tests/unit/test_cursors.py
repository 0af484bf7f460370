"""Cursors: what a list gives out it takes back, and nothing else."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain import cursors
from common.domain.signing import to_base64url

SECRET, PREVIOUS, FOREIGN = b"c" * 32, b"p" * 32, b"f" * 32
SCOPE = "leaderboard main all"
POSITION: list[int | str] = ["after", -(2**53) + 1, 802]
_IN_A_QUERY = frozenset(string.ascii_letters + string.digits + "-_.")


def refusal(cursor: str, scope: str = SCOPE) -> ErrorCode:
    with pytest.raises(ScoreboardError) as refused:
        cursors.decode((SECRET, PREVIOUS), scope, cursor)
    return refused.value.code


@given(st.lists(st.integers(-(2**63), 2**63) | st.text(max_size=40), max_size=4))
def test_a_position_comes_back_and_its_cursor_needs_no_quoting(position: list[int | str]) -> None:
    cursor = cursors.encode(SECRET, SCOPE, position)
    assert set(cursor) <= _IN_A_QUERY
    assert cursors.decode((SECRET,), SCOPE, cursor) == position


def test_during_a_rotation_cursors_of_both_secrets_are_good_and_a_third_s_are_not() -> None:
    for secret in (SECRET, PREVIOUS):
        assert cursors.decode((SECRET, PREVIOUS), SCOPE, cursors.encode(secret, SCOPE, POSITION)) == POSITION
    assert refusal(cursors.encode(FOREIGN, SCOPE, POSITION)) is ErrorCode.INVALID_CURSOR


@pytest.mark.parametrize("scope", ["leaderboard main 2026-W48", "leaderboard mai all", "snapshots main all", ""])
def test_a_cursor_of_another_list_is_refused(scope: str) -> None:
    assert refusal(cursors.encode(SECRET, SCOPE, POSITION), scope) is ErrorCode.INVALID_CURSOR


@given(st.integers(0, 200), st.sampled_from(sorted(_IN_A_QUERY)))
def test_no_change_of_one_character_is_accepted(position: int, character: str) -> None:
    cursor = cursors.encode(SECRET, SCOPE, POSITION)
    index = position % len(cursor)
    changed = cursor[:index] + character + cursor[index + 1 :]
    if changed != cursor:
        assert refusal(changed) is ErrorCode.INVALID_CURSOR


@given(st.text(max_size=200))
def test_no_text_makes_the_check_fail_otherwise(cursor: str) -> None:
    assert refusal(cursor) is ErrorCode.INVALID_CURSOR


def test_a_cursor_of_the_form_before_itsdangerous_is_refused() -> None:
    assert refusal(to_base64url(b"t" * 16 + b'["after",607,802]')) is ErrorCode.INVALID_CURSOR
