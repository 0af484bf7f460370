"""A Redis that throws keys away when it is full is not trusted with an update."""

import socket
import subprocess
import threading
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


def test_one_that_hangs_up_is_given_the_benefit_of_the_doubt_after_it_was_asked() -> None:
    asked = threading.Event()

    def hang_up(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            asked.set()
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=hang_up, args=[listener], daemon=True).start()
        redis_client.refuse_eviction(f"redis://127.0.0.1:{listener.getsockname()[1]}/0")
        listener.shutdown(socket.SHUT_RDWR)
    assert asked.is_set()


def test_one_that_answers_is_refused_for_its_policy_alone(evicting: Stack) -> None:
    url = evicting.environment["REDIS_URL"]
    with pytest.raises(redis_client.EvictionError, match="allkeys-lru"):
        redis_client.refuse_eviction(url)
    client = evicting.redis()
    client.config_set("maxmemory-policy", "noeviction")
    client.close()
    redis_client.refuse_eviction(url)
