"""What may take long runs in a process of its own: it is never in the way of updates, and missed when it is away."""

import os
import secrets
import signal
from collections.abc import Iterator

import pytest

from common import keys
from tests.caller import Caller
from tests.stack import Stack, Variant
from tests.waiting import wait_until


@pytest.fixture
def caller(stack: Stack) -> Caller:
    return Caller(stack, f"player-{secrets.token_hex(4)}")


@pytest.fixture
def frozen_chores(stack: Stack) -> Iterator[None]:
    """Their whole process group stands still, as if each chore took for ever."""
    group = stack.processes["chores"].pid
    os.killpg(group, signal.SIGSTOP)
    yield
    os.killpg(group, signal.SIGCONT)


def test_chores_are_done_and_not_by_the_process_that_applies_updates(stack: Stack, caller: Caller) -> None:
    caller.update()
    with stack.redis() as client:
        wait_until(lambda: bool(client.exists(keys.CHORES_SEEN, keys.VERIFICATION) == 2), 30)
        marks = {str(key).removeprefix(keys.turn("")) for key in client.scan_iter(keys.turn("*"))}
    assert marks >= {"standings.verify"}
    assert '"task": "scores.apply"' in stack.log("worker")
    assert "standings.verify" not in stack.log("worker")
    assert "chores_in_the_way" not in stack.log("worker") + stack.log("chores")


@pytest.mark.usefixtures("frozen_chores")
def test_no_update_waits_for_a_chore(caller: Caller) -> None:
    assert [caller.update().status_code for _ in range(20)] == [200] * 20


def test_a_worker_that_serves_both_queues_does_both_and_says_so(stack: Stack, caller: Caller) -> None:
    for name in ("worker", "chores"):
        stack.stop(name)
    with stack.redis() as client:
        client.delete(keys.CHORES_SEEN, keys.WORKER_SEEN)
        stack.start("worker", Variant({"scoreboard": "scoreboard,chores"}))
        wait_until(lambda: bool(client.exists(keys.CHORES_SEEN, keys.WORKER_SEEN) == 2), 30)
    assert "chores_in_the_way" in stack.log("worker")
    assert caller.update().status_code == 200
    stack.stop("worker")
    stack.start("worker")
    stack.start("chores")
