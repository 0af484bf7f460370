"""Stand-ins: stable on a board, useless elsewhere, and turned back by the service alone."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from common.domain.stand_ins import StandIns

OLD, NEW = b"o" * 32, b"n" * 32
user_ids = st.uuids(version=4).map(str)


@given(user_ids)
def test_a_stand_in_is_stable_on_its_board_and_another_elsewhere(user_id: str) -> None:
    here = StandIns([NEW]).of("main", user_id)
    assert StandIns([NEW, OLD]).of("main", user_id) == here
    assert uuid.UUID(here).version == 8
    assert uuid.UUID(here).variant == uuid.RFC_4122
    others = {user_id, StandIns([NEW]).of("other", user_id), StandIns([OLD]).of("main", user_id)}
    assert here not in others
    assert len(others) == 3


@given(user_ids)
def test_only_the_service_turns_it_back_also_after_its_secret_was_replaced(user_id: str) -> None:
    made = StandIns([OLD]).of("main", user_id)
    assert list(StandIns([OLD]).users("main", made)) == [user_id]
    assert user_id in StandIns([NEW, OLD]).users("main", made)
    assert user_id not in StandIns([NEW]).users("main", made)
    assert user_id not in StandIns([OLD]).users("other", made)


def test_two_players_never_share_one() -> None:
    players = [str(uuid.uuid4()) for _ in range(2000)]
    assert len({StandIns([NEW]).of("main", player) for player in players}) == len(players)


def test_a_user_id_is_no_stand_in() -> None:
    assert list(StandIns([NEW]).users("main", str(uuid.uuid4()))) == []
