"""Turns of reads from PostgreSQL: how many at a time, and the rest that a long one is followed by."""

from contextlib import ExitStack

import pytest

from common.contract.errors import ErrorCode, ScoreboardError
from common.services import read_turns
from common.services.read_turns import LONG_READ_SECONDS, LONGEST_WAIT_SECONDS, ReadTurns


class Clock:
    """Stands still until somebody sleeps or a read takes its time."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(read_turns, "time", clock)
    return clock


def read(turns: ReadTurns, clock: Clock, seconds: float) -> None:
    with turns.turn():
        clock.now += seconds


def test_short_reads_follow_each_other_at_once(clock: Clock) -> None:
    turns = ReadTurns(1)
    for _ in range(5):
        read(turns, clock, LONG_READ_SECONDS / 2)
    assert clock.slept == []


def test_a_long_read_is_followed_by_a_rest_as_long(clock: Clock) -> None:
    turns = ReadTurns(1)
    read(turns, clock, 0.5)
    clock.now += 0.2
    read(turns, clock, 0.01)
    assert clock.slept == [pytest.approx(0.3)]
    read(turns, clock, 0.01)
    assert len(clock.slept) == 1, "the rest is over"


def test_one_that_fails_is_followed_by_its_rest_too(clock: Clock) -> None:
    turns = ReadTurns(1)
    with pytest.raises(ZeroDivisionError), turns.turn():
        clock.now += 0.4
        raise ZeroDivisionError
    read(turns, clock, 0.01)
    assert clock.slept == [pytest.approx(0.4)]


def test_whoever_would_wait_too_long_for_the_end_of_a_rest_is_told_so_at_once(clock: Clock) -> None:
    turns = ReadTurns(1)
    read(turns, clock, LONGEST_WAIT_SECONDS + 0.5)
    with pytest.raises(ScoreboardError) as refused, turns.turn():
        raise AssertionError("it has begun")
    assert (refused.value.code, clock.slept) == (ErrorCode.REBUILDING, [])
    clock.now += 0.6
    read(turns, clock, 0.01)
    assert clock.slept == [pytest.approx(LONGEST_WAIT_SECONDS - 0.1)], "the seat of the refused one is free"


def test_so_many_read_at_a_time_and_no_more(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_turns, "LONGEST_WAIT_SECONDS", 0.01)
    turns = ReadTurns(2)
    with ExitStack() as reading:
        for _ in range(2):
            reading.enter_context(turns.turn())
        with pytest.raises(ScoreboardError), turns.turn():
            raise AssertionError("it has begun")
    read(turns, clock, 0.01)
