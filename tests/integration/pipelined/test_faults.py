"""A connection that is killed, frozen, cut in a reply or left by its greenlets: nobody gets another one's answer."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import gevent
import pytest
import redis

from common.redis_store import client as redis_client
from dev.harness.servers import Servers
from dev.harness.stack import free_port
from dev.harness.waiting import PATIENCE_SECONDS
from tests.chaos.installation import through
from tests.chaos.proxy import Proxy
from tests.integration.pipelined.cut_replies import cut_replies
from tests.integration.pipelined.greenlets import at_once, outcome_of
from web.pipelined.client import PipelinedClient
from web.pipelined.connection import PipelinedConnection

ROOT = Path(__file__).resolve().parents[3]
KILL = ("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no")
"""Redis ends the connection of the caller too, behind its reply: what is sent behind this command is not answered."""


def echo(connection: PipelinedConnection, index: int) -> Any:  # noqa: ANN401
    return connection.call("ECHO", str(index))


def connections_made(plain: redis.Redis) -> int:
    return int(plain.info("stats")["total_connections_received"])


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for a condition while the loop goes on."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not true within {PATIENCE_SECONDS} s"
        gevent.sleep(0.001)


@contextmanager
def frozen(servers: Servers) -> Iterator[None]:
    os.kill(servers.valkey.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(servers.valkey.pid, signal.SIGCONT)


def test_a_killed_connection_fails_those_that_were_not_answered_and_nobody_else(
    connection: PipelinedConnection,
) -> None:
    def ask(index: int) -> Any:  # noqa: ANN401
        return connection.call(*KILL) if index == 50 else echo(connection, index)

    outcomes = at_once(101, ask)
    assert outcomes[:50] == [b"%d" % index for index in range(50)]
    assert outcomes[50] >= 1
    assert all(isinstance(outcome, redis.ConnectionError) for outcome in outcomes[51:])
    assert echo(connection, 7) == b"7"


def test_a_connection_is_opened_again_however_often_it_was_closed(connection: PipelinedConnection, url: str) -> None:
    def ask_and_close(_: int) -> Any:  # noqa: ANN401
        for index in range(redis_client.pool_to_pipeline(url).max_connections + 1):
            assert echo(connection, index) == b"%d" % index
            connection.close()
        return "done"

    assert at_once(1, ask_and_close) == ["done"]


def test_who_repeats_does_so_once_and_all_over_one_new_connection(shared: PipelinedClient, plain: redis.Redis) -> None:
    shared.ping()
    before = connections_made(plain)

    def ask(index: int) -> Any:  # noqa: ANN401
        return shared.execute_command(*KILL) if index == 0 else shared.echo(str(index))

    outcomes = at_once(100, ask)
    assert outcomes[1:] == [str(index) for index in range(1, 100)]
    assert connections_made(plain) - before <= 2, "the pipelined one, and the plain client's own"


def test_a_block_of_a_killed_connection_is_repeated_whole(shared: PipelinedClient) -> None:
    shared.ping()

    def ask(index: int) -> Any:  # noqa: ANN401
        pipeline: Any = shared.pipeline(transaction=True)
        return pipeline.echo(str(index)).echo(f"{index} again").execute()

    kill = gevent.spawn(shared.execute_command, *KILL)
    outcomes = at_once(50, ask)
    kill.join()
    assert outcomes == [[str(index), f"{index} again"] for index in range(50)]


def test_a_hundred_that_wait_for_a_connection_wait_for_one(
    shared: PipelinedClient, connection: PipelinedConnection, plain: redis.Redis
) -> None:
    before = connections_made(plain)
    for _ in range(3):
        assert at_once(100, lambda index: shared.echo(str(index))) == [str(index) for index in range(100)]
        connection.close()
    assert connections_made(plain) - before == 3


def test_a_server_that_nobody_reaches_is_tried_once_for_all_and_once_again(monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    nowhere = PipelinedConnection(url)
    tries: list[object] = []
    kind = nowhere._maker.connection_class

    def count(**options: Any) -> Any:  # noqa: ANN401
        tries.append(None)
        return kind(**options)

    monkeypatch.setattr(nowhere._maker, "connection_class", count)
    client = PipelinedClient(nowhere, redis_client.pool_to_pipeline(url), repeats=True)
    outcomes = at_once(100, lambda index: client.echo(str(index)))
    assert all(type(outcome) is redis.ConnectionError for outcome in outcomes)
    assert len({id(outcome) for outcome in outcomes}) == 100, "nobody raises the error of another one"
    assert len(tries) == 2


def test_a_frozen_server_makes_everybody_wait_once_and_is_used_again_when_it_goes_on(
    servers: Servers, shared: PipelinedClient
) -> None:
    shared.ping()
    with frozen(servers):
        started = time.monotonic()
        outcomes = at_once(100, lambda index: shared.echo(str(index)))
        late = at_once(100, lambda index: shared.echo(str(index)))
        waited = time.monotonic() - started
    assert all(isinstance(outcome, redis.TimeoutError) for outcome in outcomes + late)
    assert waited > redis_client.COMMAND_TIMEOUT_SECONDS
    assert at_once(100, lambda index: shared.echo(str(index))) == [str(index) for index in range(100)]


def test_the_reply_of_a_call_that_timed_out_is_nobody_elses(proxy: Proxy, url: str) -> None:
    """The first call gives up; the second, sent later on the same connection, still gets its answer; so do others."""
    connection = PipelinedConnection(through(url, proxy))
    echo(connection, 0)
    proxy.manner.is_silent = True
    first = gevent.spawn(outcome_of, echo, connection, 1)
    gevent.sleep(redis_client.COMMAND_TIMEOUT_SECONDS / 2)
    second = gevent.spawn(outcome_of, echo, connection, 2)
    assert isinstance(first.get(), redis.TimeoutError)
    proxy.manner.is_silent = False
    third = gevent.spawn(outcome_of, echo, connection, 3)
    assert (second.get(), third.get()) == (b"2", b"3")
    connection.close()


def test_a_retired_link_closes_when_nobody_waits_on_it(proxy: Proxy, url: str) -> None:
    connection = PipelinedConnection(through(url, proxy))
    echo(connection, 0)
    link = connection._link
    assert link
    proxy.manner.is_silent = True
    assert isinstance(outcome_of(echo, connection, 1), redis.TimeoutError)
    proxy.manner.is_silent = False
    assert link._connection is None
    assert connection._link is None


@pytest.mark.parametrize("bytes_left", [0, 1, 4, 9, 13])
def test_half_a_reply_and_then_the_end_is_no_reply(url: str, bytes_left: int) -> None:
    with cut_replies(url) as (way, through_it):
        connection = PipelinedConnection(through_it)
        echo(connection, 0)
        way.bytes_left = bytes_left  # of "$2\r\n10\r\n$2\r\n11\r\n…"
        outcomes = at_once(20, lambda index: echo(connection, index + 10))
        whole = bytes_left // 8
        assert outcomes[:whole] == [b"10"][:whole]
        assert all(isinstance(outcome, redis.ConnectionError) for outcome in outcomes[whole:])
        assert echo(connection, 77) == b"77"
        connection.close()


@pytest.mark.parametrize("said", [b"+stray\r\n", b"nonsense\r\n"])
def test_a_reply_that_nobody_asked_for_is_given_to_nobody(url: str, said: bytes) -> None:
    with cut_replies(url) as (way, through_it), closing(PipelinedConnection(through_it)) as connection:
        assert echo(connection, 0) == b"0"
        way.say(said)
        wait_for(lambda: connection._link is None)
        assert at_once(20, lambda index: echo(connection, index)) == [b"%d" % index for index in range(20)]


def test_a_message_that_redis_pushes_is_no_reply(url: str) -> None:
    with cut_replies(url) as (way, through_it), closing(PipelinedConnection(through_it)) as connection:
        assert echo(connection, 0) == b"0"
        before = connection._link
        way.say(b">2\r\n+invalidate\r\n*1\r\n+key\r\n")
        assert at_once(20, lambda index: echo(connection, index)) == [b"%d" % index for index in range(20)]
        assert connection._link is before


def test_a_restarted_server_is_found_again_and_given_its_scripts(servers: Servers, shared: PipelinedClient) -> None:
    script = shared.register_script("return ARGV[1] .. '!'")
    assert script(args=["before"]) == "before!"
    servers.valkey.kill()
    servers.valkey.start()
    assert at_once(50, lambda index: script(args=[index])) == [f"{index}!" for index in range(50)]


def test_an_idle_connection_that_redis_closes_is_noticed_before_it_is_used(
    connection: PipelinedConnection, plain: redis.Redis
) -> None:
    """So nobody has to repeat anything, not even who never repeats."""
    for index in range(5):
        assert echo(connection, index) == b"%d" % index
        plain.client_kill_filter(_type="normal", skipme=True)
        wait_for(lambda: connection._link is None)


@pytest.mark.parametrize("end", ["kill", "timeout"])
def test_a_greenlet_that_ends_while_it_waits_shifts_nobody(connection: PipelinedConnection, end: str) -> None:
    echo(connection, 0)

    def ask(index: int) -> Any:  # noqa: ANN401
        if index % 3 or end == "kill":
            return echo(connection, index)
        try:
            with gevent.Timeout(0):
                return echo(connection, index)
        except gevent.Timeout:
            return "gave up"

    for _ in range(20):
        greenlets = [gevent.spawn(ask, index) for index in range(30)]
        gevent.sleep(0)  # all have asked
        if end == "kill":
            gevent.killall(greenlets[::3], block=False)
        gevent.joinall(greenlets)
        for index, greenlet in enumerate(greenlets):
            if index % 3:
                assert greenlet.get() == b"%d" % index
        assert echo(connection, 99) == b"99"


def test_a_greenlet_that_ends_while_it_waits_for_the_connection_leaves_it_to_the_others(
    connection: PipelinedConnection,
) -> None:
    greenlets = [gevent.spawn(echo, connection, index) for index in range(10)]
    gevent.sleep(0)
    assert connection._attempt
    gevent.killall(greenlets[:5], block=False)
    gevent.joinall(greenlets)
    assert [greenlet.get() for greenlet in greenlets[5:]] == [b"%d" % index for index in range(5, 10)]


def test_a_connection_that_is_closed_while_it_is_opened_stays_closed(connection: PipelinedConnection) -> None:
    waiting = gevent.spawn(outcome_of, echo, connection, 1)
    gevent.sleep(0)
    assert connection._attempt
    connection.close()
    assert isinstance(waiting.get(), redis.ConnectionError)
    assert connection._link is None
    assert echo(connection, 2) == b"2"


def test_what_the_socket_does_not_take_at_once_is_sent_when_it_does(
    servers: Servers, connection: PipelinedConnection
) -> None:
    big = b"x" * 800_000
    echo(connection, 0)
    assert at_once(10, lambda index: connection.call("SET", f"key {index}", big)) == [b"OK"] * 10
    assert at_once(10, lambda index: connection.call("STRLEN", f"key {index}")) == [len(big)] * 10


FORKED = """
from gevent import monkey
monkey.patch_all()
import os, sys
import gevent
from web.pipelined.connection import PipelinedConnection

connection = PipelinedConnection(sys.argv[1])
parent_id = connection.call("CLIENT", "ID")
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    own = [gevent.spawn(connection.call, "ECHO", f"child {index}") for index in range(100)]
    gevent.joinall(own)
    assert [one.get() for one in own] == [b"child %d" % index for index in range(100)]
    assert connection.call("CLIENT", "ID") != parent_id
    os.write(writing, b"done")
    os._exit(0)
own = [gevent.spawn(connection.call, "ECHO", f"parent {index}") for index in range(100)]
gevent.joinall(own)
assert [one.get() for one in own] == [b"parent %d" % index for index in range(100)]
assert os.read(reading, 4) == b"done"
assert connection.call("CLIENT", "ID") == parent_id, "the child has closed its parent's connection"
print("done")
"""


def test_a_process_that_is_forked_opens_a_connection_of_its_own(url: str) -> None:
    command = [sys.executable, "-c", FORKED, url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
