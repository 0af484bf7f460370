"""What a request remembers of servers that failed it, and that nobody else does."""

import threading
from collections.abc import Iterator

import gevent
import pytest

from common.core import deadlines


@pytest.fixture(autouse=True)
def a_request() -> Iterator[None]:
    deadlines.begin()
    yield
    deadlines.end()


def test_a_failure_is_remembered_until_the_next_request_begins() -> None:
    assert not deadlines.has_timed_out("redis")
    deadlines.mark_timed_out("redis")
    assert (deadlines.has_timed_out("redis"), deadlines.has_timed_out("postgresql")) == (True, False)
    deadlines.begin()
    assert not deadlines.has_timed_out("redis")


def test_after_the_end_of_a_request_nothing_is_remembered() -> None:
    deadlines.mark_timed_out("redis")
    deadlines.end()
    deadlines.mark_timed_out("redis")
    assert not deadlines.has_timed_out("redis")


@pytest.mark.parametrize("start", ["greenlet", "thread"])
def test_what_a_request_starts_in_the_background_remembers_nothing_and_tells_nothing(start: str) -> None:
    deadlines.mark_timed_out("redis")
    seen: list[bool] = []

    def loop() -> None:
        seen.append(deadlines.has_timed_out("redis"))
        deadlines.mark_timed_out("postgresql")
        seen.append(deadlines.has_timed_out("postgresql"))

    if start == "greenlet":
        gevent.spawn(loop).join()
    else:
        thread = threading.Thread(target=loop)
        thread.start()
        thread.join()
    assert seen == [False, False]
    assert not deadlines.has_timed_out("postgresql")


def test_without_a_command_or_a_commit_nothing_is_in_doubt() -> None:
    deadlines.command_sent()
    with deadlines.effect("send it again"):
        pass
    deadlines.command_sent()
    assert deadlines.in_doubt() is None


def test_a_command_that_was_sent_for_an_effect_leaves_it_in_doubt_until_the_request_ends() -> None:
    with deadlines.effect("send it again"):
        deadlines.command_sent()
    assert deadlines.in_doubt() == "send it again"
    deadlines.end()
    assert deadlines.in_doubt() is None


def test_a_commit_leaves_a_request_in_doubt() -> None:
    deadlines.commit_sent()
    assert deadlines.in_doubt() == deadlines.REPEAT


def test_where_nothing_was_begun_nothing_is_in_doubt() -> None:
    deadlines.end()
    with deadlines.effect("send it again"):
        deadlines.command_sent()
    deadlines.commit_sent()
    assert deadlines.in_doubt() is None


def test_a_refused_command_leaves_in_doubt_what_was_so_before() -> None:
    with deadlines.effect("send it again"):
        deadlines.command_sent()
        deadlines.command_refused(None)
        assert deadlines.in_doubt() is None
        deadlines.command_sent()
        before = deadlines.in_doubt()
        deadlines.command_sent()
        deadlines.command_refused(before)
    assert deadlines.in_doubt() == "send it again"
