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


def test_without_a_command_or_a_commit_nothing_is_in_doubt() -> None:
    failures.command_sent()
    with failures.effect("send it again"):
        pass
    failures.command_sent()
    assert failures.in_doubt() is None


def test_a_command_that_was_sent_for_an_effect_leaves_it_in_doubt_until_the_request_ends() -> None:
    with failures.effect("send it again"):
        failures.command_sent()
    assert failures.in_doubt() == "send it again"
    failures.end()
    assert failures.in_doubt() is None


def test_a_commit_leaves_a_request_in_doubt() -> None:
    failures.commit_sent()
    assert failures.in_doubt() == failures.REPEAT


def test_where_nothing_was_begun_nothing_is_in_doubt() -> None:
    failures.end()
    with failures.effect("send it again"):
        failures.command_sent()
    failures.commit_sent()
    assert failures.in_doubt() is None


def test_a_refused_command_leaves_in_doubt_what_was_so_before() -> None:
    with failures.effect("send it again"):
        failures.command_sent()
        failures.command_refused(None)
        assert failures.in_doubt() is None
        failures.command_sent()
        before = failures.in_doubt()
        failures.command_sent()
        failures.command_refused(before)
    assert failures.in_doubt() == "send it again"
