"""A request remembers of a pipelined connection what it does of any: who let it wait, and what may have happened."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import gevent
import pytest
import redis

from common.core import deadlines
from common.redis_store import client as redis_client
from dev.harness.servers import Servers
from tests.chaos.installation import through
from tests.chaos.proxy import Proxy
from tests.integration.pipelined.greenlets import outcome_of
from tests.integration.pipelined.test_faults import KILL
from web.pipelined.client import PipelinedClient
from web.pipelined.connection import PipelinedConnection

ADVICE = "send it again"


@pytest.fixture
def distant(url: str, proxy: Proxy) -> Iterator[PipelinedConnection]:
    """A connection by way of the proxy."""
    made = PipelinedConnection(through(url, proxy))
    made.call("PING")
    yield made
    proxy.manner.is_silent = False
    made.close()


def doubt_after(*asks: Any) -> str | None:  # noqa: ANN401
    """The doubt that is left when the effect of a request came to its end, in one way or the other."""
    deadlines.begin()
    with deadlines.effect(ADVICE):
        for ask in asks:
            outcome_of(ask)
    return deadlines.in_doubt()


@pytest.mark.parametrize("begins", ["connected", "unconnected"])
def test_a_request_waits_for_a_silent_redis_once_and_then_no_more(
    distant: PipelinedConnection, proxy: Proxy, begins: str
) -> None:
    if begins == "unconnected":
        distant.close()
    proxy.manner.is_silent = True
    deadlines.begin()
    with pytest.raises(redis.TimeoutError):
        distant.call("PING")
    assert deadlines.has_timed_out("redis")
    started = time.monotonic()
    for _ in range(10):
        with pytest.raises(redis.ConnectionError):
            distant.call("PING")
    assert time.monotonic() - started < redis_client.COMMAND_TIMEOUT_SECONDS
    proxy.manner.is_silent = False
    deadlines.end()
    assert distant.call("PING") == b"PONG"


def test_a_time_out_is_remembered_by_the_request_that_waited_alone(distant: PipelinedConnection, proxy: Proxy) -> None:
    def ask(waits: bool) -> tuple[bool, bool]:
        deadlines.begin()
        if waits:
            outcome_of(distant.call, "PING")
        return waits, deadlines.has_timed_out("redis")

    proxy.manner.is_silent = True
    greenlets = [gevent.spawn(ask, index % 2 == 0) for index in range(10)]
    gevent.joinall(greenlets)
    assert [greenlet.get() for greenlet in greenlets] == [(index % 2 == 0,) * 2 for index in range(10)]


def test_a_command_that_was_answered_is_in_doubt_if_the_request_fails_later(connection: PipelinedConnection) -> None:
    assert doubt_after(lambda: connection.call("SET", "key", "value")) == ADVICE
    deadlines.begin()
    connection.call("SET", "key", "value")
    assert deadlines.in_doubt() is None, "no effect of the request"


def test_a_command_that_was_sent_and_not_answered_is_in_doubt(distant: PipelinedConnection, proxy: Proxy) -> None:
    proxy.manner.is_silent = True
    assert doubt_after(lambda: distant.call("SET", "key", "value")) == ADVICE


def test_a_command_whose_greenlet_gave_up_is_in_doubt(distant: PipelinedConnection, proxy: Proxy) -> None:
    def ask() -> None:
        with suppress(gevent.Timeout), gevent.Timeout(0.05):
            distant.call("SET", "key", "value")

    proxy.manner.is_silent = True
    assert doubt_after(ask) == ADVICE


def test_a_command_behind_the_end_of_its_connection_is_in_doubt(connection: PipelinedConnection) -> None:
    connection.call("PING")
    kill = gevent.spawn(connection.call, *KILL)
    assert doubt_after(lambda: connection.call("SET", "key", "value")) == ADVICE
    kill.join()


def test_a_command_that_was_queued_and_not_sent_when_the_connection_broke_is_in_no_doubt(
    connection: PipelinedConnection, plain: redis.Redis
) -> None:
    connection.call("PING")

    def close() -> None:
        """Runs when the command is in the queue and the loop has not come round to send it."""
        assert connection._link
        assert connection._link._unsent
        connection.close()

    gevent.get_hub().loop.run_callback(close)
    assert doubt_after(lambda: connection.call("SET", "key", "value")) is None
    assert plain.get("key") is None


def test_a_command_that_a_frozen_server_s_socket_does_not_take_is_in_no_doubt(
    servers: Servers, connection: PipelinedConnection, plain: redis.Redis
) -> None:
    connection.call("PING")
    os.kill(servers.valkey.pid, signal.SIGSTOP)
    try:
        full = gevent.spawn(outcome_of, connection.call, "SET", "full", b"x" * 50_000_000)
        gevent.sleep(0.01)
        assert connection._link
        assert connection._link._unsent, "the socket takes it all"
        assert doubt_after(lambda: connection.call("SET", "key", "value")) is None
        assert isinstance(full.get(), redis.TimeoutError)
    finally:
        os.kill(servers.valkey.pid, signal.SIGCONT)
    assert connection.call("PING") == b"PONG"
    assert (plain.get("full"), plain.get("key")) == (None, None)


def test_a_greeting_that_is_not_answered_has_sent_nothing(distant: PipelinedConnection, proxy: Proxy) -> None:
    distant.close()
    proxy.manner.is_silent = True
    assert doubt_after(lambda: distant.call("SET", "key", "value")) is None


@pytest.mark.parametrize(
    ("reply", "doubt"),
    [
        ("OOM command not allowed", None),
        ("READONLY You can't write", None),
        ("NOSCRIPT No matching script", None),
        ("MISCONF Errors writing", None),
        ("ERR in the middle", ADVICE),
    ],
)
def test_a_refusal_that_says_that_nothing_was_written_leaves_no_doubt_but_the_one_before(
    connection: PipelinedConnection, shared: PipelinedClient, reply: str, doubt: str | None
) -> None:
    script = f'return redis.error_reply("{reply}")'
    for ask in (lambda: connection.call("EVAL", script, "0"), lambda: shared.eval(script, 0)):
        assert doubt_after(ask) == doubt
        assert doubt_after(lambda: connection.call("SET", "key", "value"), ask) == ADVICE


def test_a_pipeline_is_in_doubt_like_its_commands(distant: PipelinedConnection, proxy: Proxy, url: str) -> None:
    client: Any = PipelinedClient(distant, redis_client.pool_to_pipeline(url), repeats=True)
    assert doubt_after(lambda: client.pipeline().set("key", "value").execute()) == ADVICE
    assert doubt_after(lambda: client.pipeline().execute()) is None
    proxy.manner.is_silent = True
    assert doubt_after(lambda: client.pipeline().set("key", "value").execute()) == ADVICE
    assert deadlines.has_timed_out("redis")
