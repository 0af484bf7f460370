"""One read for all who ask at the same time, which is never older than their question."""

import threading
from collections.abc import Callable

import pytest

from common.services.single_flight import SingleFlight
from dev.harness.waiting import wait_until

CALLERS = 20


class Read:
    """A read that waits until the test lets it go on, and counts how often it began."""

    def __init__(self) -> None:
        self.began = 0
        self.may_end = threading.Event()

    def __call__(self) -> int:
        self.began += 1
        number = self.began
        self.may_end.wait(10)
        return number


Asked = tuple[list[threading.Thread], list[object]]
"""Threads that ask, and what they found, to which each adds when it has its answer."""


def ask_at_once(
    flights: SingleFlight[int], read: Callable[[], int], callers: int
) -> tuple[list[threading.Thread], list[object]]:
    found: list[object] = []

    def ask() -> None:
        try:
            found.append(flights.get("key", read))
        except Exception as error:
            found.append(error)

    threads = [threading.Thread(target=ask) for _ in range(callers)]
    for thread in threads:
        thread.start()
    return threads, found


def test_those_who_come_during_a_read_share_the_next_one() -> None:
    flights, read = SingleFlight[int](), Read()
    (first,), found = ask_at_once(flights, read, 1)
    wait_until(lambda: read.began == 1)
    others, shared = ask_at_once(flights, read, CALLERS)
    wait_until(lambda: flights._flights["key"].waiting == CALLERS + 1)
    read.may_end.set()
    for thread in (first, *others):
        thread.join()
    assert (found, shared, read.began) == ([1], [2] * CALLERS, 2)


def test_an_error_reaches_all_who_waited_for_that_read() -> None:
    flights = SingleFlight[int]()
    calls: list[int] = []
    may_end = threading.Event()

    def fail() -> int:
        calls.append(1)
        may_end.wait(10)
        raise OSError("away")

    (first,), _ = ask_at_once(flights, fail, 1)
    wait_until(lambda: len(calls) == 1)
    others, found = ask_at_once(flights, fail, CALLERS)
    wait_until(lambda: flights._flights["key"].waiting == CALLERS + 1)
    may_end.set()
    for thread in (first, *others):
        thread.join()
    assert len(calls) == 2
    assert [type(error) for error in found] == [OSError] * CALLERS


def test_who_asks_later_reads_anew_and_nothing_is_kept() -> None:
    flights = SingleFlight[int]()
    numbers = iter(range(10))
    assert [flights.get("key", lambda: next(numbers)) for _ in range(3)] == [0, 1, 2]
    assert flights._flights == {}


def test_a_reader_that_is_killed_leaves_the_read_to_the_next() -> None:
    flights = SingleFlight[int]()

    def die() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flights.get("key", die)
    assert flights.get("key", lambda: 7) == 7
