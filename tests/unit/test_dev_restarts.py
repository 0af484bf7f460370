from hypothesis import given
from hypothesis import strategies as st

from dev.supervise.supervised_process import LONGEST_DELAY_SECONDS, STABLE_AFTER_SECONDS, Restarts


def delays(lives: list[float]) -> list[float]:
    restarts, result = Restarts(), []
    for lived in lives:
        restarts = restarts.after_death(lived)
        result.append(restarts.delay)
    return result


def test_a_first_death_is_answered_at_once_and_further_ones_after_a_growing_delay() -> None:
    assert delays([0.1] * 7) == [0.0, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_life_of_ten_seconds_is_forgiven() -> None:
    assert delays([0.1, 0.1, 0.1, STABLE_AFTER_SECONDS, 0.1]) == [0.0, 0.5, 1.0, 0.0, 0.5]


@given(st.lists(st.floats(0, 60), max_size=200))
def test_no_delay_is_longer_than_five_seconds(lives: list[float]) -> None:
    assert all(0 <= delay <= LONGEST_DELAY_SECONDS for delay in delays(lives))
