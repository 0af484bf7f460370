"""What may take long runs in a process of its own: it is never in the way of updates, and missed when it is away."""

import os
import secrets
import signal
from collections.abc import Iterator

import pytest
from celery import Celery

from common.core import task_names
from common.redis_store import keys
from dev.harness.stack import Stack, Variant
from dev.harness.waiting import wait_until
from tests.caller import Caller


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
    told = {name: len(stack.log(name)) for name in ("worker", "chores")}
    caller.update()
    with Celery(broker=stack.environment["REDIS_URL"], set_as_current=False) as sender, stack.redis() as client:
        client.delete(keys.CHORES_SEEN, keys.VERIFICATION)
        sender.send_task(task_names.TAKE_SNAPSHOTS, queue=task_names.QUEUE_CHORES)
        wait_until(lambda: bool(client.exists(keys.CHORES_SEEN, keys.VERIFICATION) == 2), 30)
    wait_until(lambda: "snapshots_taken" in stack.log("chores")[told["chores"] :])
    since = {name: stack.log(name)[length:] for name, length in told.items()}
    assert "batch_applied" in since["worker"]
    assert "batch_applied" not in since["chores"]
    assert "snapshots_taken" not in since["worker"]


def test_chores_have_the_processors_after_the_programs_that_serve(stack: Stack) -> None:
    niceness = {name: os.getpriority(os.PRIO_PROCESS, process.pid) for name, process in stack.processes.items()}
    assert niceness["chores"] == niceness["worker"] + 5
    assert niceness["worker"] == niceness["web"]


@pytest.mark.usefixtures("frozen_chores")
def test_no_update_waits_for_a_chore(caller: Caller) -> None:
    wait_until(lambda: caller.update().status_code == 200)
    statuses = [caller.update().status_code for _ in range(20)]
    assert statuses.count(200) > 10, "a busy machine may be late now and then"


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
    with stack.redis() as client:
        client.delete(keys.WORKER_SEEN)  # what the worker before this one has left
    stack.start("worker")
    stack.start("chores")
    stack.wait_until_ready()


def test_a_worker_that_starts_sweeps_at_once_and_waits_for_no_beat(stack: Stack) -> None:
    for name in ("beat", "worker"):
        stack.stop(name)
    with stack.redis() as client:
        client.delete(keys.WORKER_SEEN, task_names.QUEUE)  # also what beat has sent to nobody
        stack.start("worker")
        wait_until(lambda: bool(client.exists(keys.WORKER_SEEN)), 30)
    stack.start("beat")
    stack.wait_until_ready()
