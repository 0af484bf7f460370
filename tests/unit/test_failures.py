"""What a request remembers of servers that failed it, and that nobody else does."""

import threading
from collections.abc import Iterator

import gevent
import pytest

from common import failures


@pytest.fixture(autouse=True)
def a_request() -> Iterator[None]:
    failures.begin()
    yield
    failures.end()


def test_a_failure_is_remembered_until_the_next_request_begins() -> None:
    assert not failures.has("redis")
    failures.note("redis")
    assert (failures.has("redis"), failures.has("postgresql")) == (True, False)
    failures.begin()
    assert not failures.has("redis")


def test_after_the_end_of_a_request_nothing_is_remembered() -> None:
    failures.note("redis")
    failures.end()
    failures.note("redis")
    assert not failures.has("redis")


@pytest.mark.parametrize("start", ["greenlet", "thread"])
def test_what_a_request_starts_in_the_background_remembers_nothing_and_tells_nothing(start: str) -> None:
    failures.note("redis")
    seen: list[bool] = []

    def loop() -> None:
        seen.append(failures.has("redis"))
        failures.note("postgresql")
        seen.append(failures.has("postgresql"))

    if start == "greenlet":
        gevent.spawn(loop).join()
    else:
        thread = threading.Thread(target=loop)
        thread.start()
        thread.join()
    assert seen == [False, False]
    assert not failures.has("postgresql")
