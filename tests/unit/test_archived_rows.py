"""Rows of archives, and the index of their players, are the same after they were packed."""

import random
import uuid

import pytest

from common.contract.constants import GREATEST_SCORE, GREATEST_SECOND
from common.domain import archived_players, archived_rows
from common.domain.archived_players import MOST_CHUNKS, Players, Whereabouts
from common.domain.archived_rows import ArchivedRow, Chunk
from common.domain.ranking import GREATEST_TIE

EXTREMES = (-GREATEST_SCORE, -1, 0, 1, GREATEST_SCORE)
LATEST = 253_402_300_799_999_999
"""The last microsecond that a `datetime` can name."""


def row(chance: random.Random) -> ArchivedRow:
    return ArchivedRow(
        str(uuid.UUID(int=chance.getrandbits(128))),
        chance.choice([*EXTREMES, chance.randrange(1000)]),
        chance.choice([-GREATEST_SECOND, 0, GREATEST_SECOND, chance.randrange(1000)]),
        chance.choice([0, chance.randrange(GREATEST_TIE), GREATEST_TIE]),
        chance.choice([1, chance.randrange(2**40)]),
        chance.choice([0, chance.randrange(LATEST), LATEST]),
        chance.choice([None, 1, chance.randrange(1, LATEST)]),
        chance.randrange(32),
        chance.random() < 0.5,
    )


@pytest.mark.parametrize("seed", range(20))
def test_rows_are_the_same_after_they_were_packed(seed: int) -> None:
    chance = random.Random(seed)
    rows = [row(chance) for _ in range(chance.choice([1, 2, 999, 1000]))]
    chunk = Chunk(archived_rows.packed(rows))
    assert len(chunk) == len(rows)
    assert list(chunk) == rows
    assert list(chunk.reasons()) == [each.hidden_for for each in rows]
    assert chunk.ids() == [uuid.UUID(each.user_id).bytes for each in rows]
    assert [chunk.scores_at(at) for at in range(len(rows))] == [(each.score, each.second, each.tie) for each in rows]


def test_an_archive_of_a_form_that_is_not_known_is_not_guessed_at() -> None:
    data = archived_rows.packed([row(random.Random(1))])
    with pytest.raises(ValueError, match="form 2"):
        Chunk(b"\2" + data[1:])


@pytest.mark.parametrize("seed", range(5))
def test_players_are_found_in_the_index_and_others_are_not(seed: int) -> None:
    chance = random.Random(seed)
    ids = sorted(chance.randbytes(16) for _ in range(500))
    where = {each: Whereabouts(chance.randrange(MOST_CHUNKS), chance.random() < 0.3) for each in ids}
    index = Players(archived_players.packed(list(where.items())), len(where))
    assert {each: index.find(each) for each in ids} == where
    assert dict(index.all()) == where
    assert index.find(chance.randbytes(16)) is None
    assert index.find(b"\xff" * 16) is None


def test_a_period_of_too_many_chunks_is_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        archived_players.packed([(b"\0" * 16, Whereabouts(MOST_CHUNKS, is_off=False))])
