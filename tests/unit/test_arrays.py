"""PostgreSQL's array literals, for any text that a key may be."""

import psycopg2.extensions
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.postgres.arrays import UnstorableTextError, plain_array, text_array

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.lists(texts | st.sampled_from(['"', "\\", "NULL", "{}", ",", ""]) | st.none()))
def test_every_text_comes_back_from_its_array(values: list[str | None]) -> None:
    assert psycopg2.extensions.UNICODEARRAY(text_array(values), None) == values


def test_a_text_with_nul_is_refused() -> None:
    with pytest.raises(UnstorableTextError):
        text_array(["plain", "with \0"])


def test_numbers_need_no_quotes() -> None:
    assert plain_array(["1", "-2", "NULL"]) == "{1,-2,NULL}"
