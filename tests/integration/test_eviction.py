"""A Redis that throws keys away when it is full is not trusted with an update."""

import subprocess
from collections.abc import Iterator

import pytest

from common.redis_store import client as redis_client
from dev.harness.stack import Stack
from dev.harness.waiting import wait_until


@pytest.fixture
def evicting(stack: Stack) -> Iterator[Stack]:
    client = stack.redis()
    client.config_set("maxmemory-policy", "allkeys-lru")
    yield stack
    client.config_set("maxmemory-policy", "noeviction")
    client.close()


@pytest.mark.parametrize("program", ["web", "worker"])
def test_neither_web_nor_worker_starts_on_it(evicting: Stack, program: str) -> None:
    evicting.stop(program)
    before = len(evicting.log(program))
    evicting.start(program)
    process = evicting.processes[program]
    try:
        assert process.wait(30) != 0
    except subprocess.TimeoutExpired:
        pytest.fail(f"{program} has started")
    assert "maxmemory-policy is allkeys-lru" in evicting.log(program)[before:]
    client = evicting.redis()
    client.config_set("maxmemory-policy", "noeviction")
    client.close()
    before = len(evicting.log(program))
    evicting.start(program)
    started = {"web": "Listening at", "worker": " ready."}[program]
    wait_until(lambda: started in evicting.log(program)[before:], 30)  # it has looked before the next test changes it
    evicting.wait_until_ready()


def test_one_that_is_away_is_given_the_benefit_of_the_doubt() -> None:
    redis_client.refuse_eviction("redis://127.0.0.1:1/0")
