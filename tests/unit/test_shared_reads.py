"""One read for all who ask at the same time."""

import threading
from collections.abc import Iterator
from itertools import count

import pytest

from web.shared_reads import SharedReads


def counter() -> Iterator[int]:
    return count(1)


def test_a_value_is_made_once_while_it_is_young() -> None:
    now = [0.0]
    made = counter()
    reads = SharedReads[str, int](1.0, clock=lambda: now[0])

    first = reads.get("a", lambda: next(made))
    now[0] = 0.9
    again = reads.get("a", lambda: next(made))
    now[0] = 1.0
    later = reads.get("a", lambda: next(made))

    assert (first, again, later) == (1, 1, 2)


def test_keys_have_values_of_their_own() -> None:
    reads = SharedReads[str, str](1.0)

    assert [reads.get(key, lambda key=key: key) for key in ("a", "b", "a")] == ["a", "b", "a"]  # type: ignore[misc]


def test_whoever_comes_while_a_value_is_made_waits_for_it_and_takes_it() -> None:
    reads = SharedReads[str, int](60.0)
    made = counter()
    begun, may_end = threading.Event(), threading.Event()

    def make() -> int:
        begun.set()
        assert may_end.wait(10)
        return next(made)

    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(reads.get("a", make))) for _ in range(20)]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    may_end.set()
    for thread in threads:
        thread.join(10)

    assert found == [1] * 20


def test_an_error_is_that_of_whoever_met_it() -> None:
    reads = SharedReads[str, int](60.0)

    def fail() -> int:
        raise RuntimeError("away")

    with pytest.raises(RuntimeError):
        reads.get("a", fail)
    assert reads.get("a", lambda: 7) == 7


def test_the_value_of_a_key_that_nobody_asks_for_any_more_is_forgotten() -> None:
    now = [0.0]
    reads = SharedReads[str, int](1.0, clock=lambda: now[0])
    for second in range(5):
        now[0] = 2.0 * second
        reads.get(f"day {second}", lambda: 1)
    assert list(reads._made) == ["day 4"]
