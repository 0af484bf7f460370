"""The pipelined connection in a running web process, beside the pooled ones that a setting brings back."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit

import pytest
import requests

from dev.harness.servers import Servers
from dev.harness.stack import Stack, another_web
from dev.harness.waiting import wait_until
from tests.caller import Caller
from tests.chaos.installation import through
from tests.chaos.proxy import Proxy
from tests.conftest import STACK_REDIS_DATABASE

KINDS = ["pipelined", "pooled"]


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def way(servers: Servers) -> Iterator[Proxy]:
    """The way to Redis of those who count limits."""
    parts = urlsplit(servers.redis_url())
    made = Proxy((str(parts.hostname), int(parts.port or 0)))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def web(stack: Stack, servers: Servers, way: Proxy, kind: str) -> Iterator[Stack]:
    limiter_url = through(servers.redis_url(STACK_REDIS_DATABASE), way)
    with another_web(stack, SCOREBOARD_REDIS_CONNECTION=kind, LIMITER_URL=limiter_url) as running:
        yield running


def top(web: Stack) -> int:
    return requests.get(f"{web.url}/api/scores/leaderboard", timeout=20).status_code


def tops(web: Stack, number: int) -> list[int]:
    """The answers of so many requests at once."""
    with ThreadPoolExecutor(number) as crowd:
        return list(crowd.map(top, [web] * number))


def test_a_crowd_of_requests_shares_a_connection_if_it_is_pipelined(web: Stack, way: Proxy, kind: str) -> None:
    """Only the limits' connections are counted, which lead through the proxy; they may be in memory at first."""

    def is_as_expected() -> bool:
        assert tops(web, 20) == [200] * 20
        return way.connections == 1 if kind == "pipelined" else way.connections > 3

    way.manner.delay_seconds = 0.05
    wait_until(is_as_expected, 30)
    way.manner.delay_seconds = 0


def test_when_the_limits_redis_goes_silent_they_are_kept_in_memory_and_then_in_redis_again(
    web: Stack, way: Proxy
) -> None:
    assert top(web) == 200
    way.manner.is_silent = True
    assert tops(web, 6) == [200] * 6
    way.manner.is_silent = False
    wait_until(lambda: top(web) == 200 and way.connections > 0, 30)


def test_players_get_their_own_answers_while_connections_are_killed(web: Stack) -> None:
    players = [Caller(web, f"{web.environment['SCOREBOARD_PORT']}-{number}") for number in range(6)]
    problems: list[str] = []
    statuses: list[int] = []
    done = threading.Event()

    def ask(player: Caller) -> None:
        for _ in range(15):
            found = requests.get(f"{web.url}/api/scores/user/{player.user_id}", timeout=20)
            sent = player.update(prefer="respond-async")
            statuses.extend([found.status_code, sent.status_code])
            if found.status_code == 200 and found.json()["userId"] != player.user_id:
                problems.append(found.text)

    def kill() -> None:
        with closing(web.redis()) as client:
            while not done.wait(0.03):
                client.client_kill_filter(_type="normal", skipme=True)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with ThreadPoolExecutor(len(players)) as crowd:
            list(crowd.map(ask, players))
    finally:
        done.set()
        killer.join()
    assert problems == []
    assert set(statuses) <= {200, 202, 404, 503}, set(statuses)
    assert statuses.count(202) > 0


def test_readiness_and_metrics_ask_over_it(web: Stack) -> None:
    assert requests.get(f"{web.url}/readyz", timeout=20).json()["status"] in ("ready", "degraded")
    assert "scoreboard_inbox_depth" in requests.get(web.metrics_url, timeout=20).text
