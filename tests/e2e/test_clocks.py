"""A worker whose clock is wrong: updates are applied all the same, in the periods of their acceptance."""

import secrets
from collections.abc import Iterator

import pytest
import requests

from common.redis_store import keys
from dev.harness.stack import Stack, Variant
from dev.harness.waiting import wait_until
from tests.caller import Caller
from tests.chaos.crashing_worker import CLOCK


@pytest.fixture(params=[600, -600])
def stack_with_wrong_worker(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Stack]:
    def restart(variant: Variant | None) -> None:
        stack.stop("worker")
        with stack.redis() as client:
            client.delete(keys.WORKER_SEEN)  # what the worker before this one has left
        stack.start("worker", variant)
        stack.wait_until_ready()

    restart(Variant({"workers.app": "tests.chaos.crashing_worker"}, {CLOCK: str(request.param)}))
    yield stack
    restart(None)


def test_updates_are_applied_by_a_worker_whose_clock_is_ten_minutes_off(stack_with_wrong_worker: Stack) -> None:
    stack = stack_with_wrong_worker
    caller = Caller(stack, f"player-{secrets.token_hex(4)}")

    wait_until(lambda: caller.update("share").status_code == 200)

    for period in ("all", "daily"):
        place = requests.get(f"{stack.url}/api/scores/user/{caller.user_id}?period={period}", timeout=10).json()
        assert place["score"] >= 1
