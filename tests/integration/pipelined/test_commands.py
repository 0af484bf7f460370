"""What redis-py's client does over the pipelined connection, it does as over a connection of its own."""

from typing import Any

import gevent
import pytest
import redis

from common.redis_store import client as redis_client
from tests.integration.pipelined.greenlets import at_once, outcome_of
from web.pipelined.client import PipelinedClient
from web.pipelined.connection import PipelinedConnection


def test_a_reply_is_what_a_plain_client_returns(shared: PipelinedClient, plain: redis.Redis) -> None:
    shared.hset("hash", mapping={"name": "Ä", "other": "\n"})
    shared.zadd("board", {"one": 1.5, "two": 2})
    for client in (shared, plain):
        assert client.hgetall("hash") == {"name": "Ä", "other": "\n"}
        assert client.zrange("board", 0, -1, withscores=True) == [("one", 1.5), ("two", 2.0)]
        assert client.get("nothing") is None
        assert client.exists("hash", "board", "nothing") == 2
        assert client.info("server")["tcp_port"] > 0
        assert sorted(client.scan_iter("*")) == ["board", "hash"]


def test_bytes_that_are_no_text_make_no_other_reply_unreadable(shared: PipelinedClient, plain: redis.Redis) -> None:
    shared.set("odd", b"\xff!")
    assert (shared.get("odd"), plain.get("odd")) == ("\\xff!", "\\xff!")


def test_bytes_stay_bytes_where_they_are_asked_for(
    shared: PipelinedClient, connection: PipelinedConnection, url: str
) -> None:
    of_limits = PipelinedClient(connection, redis_client.pool_of_limits(url), repeats=False)
    shared.set("key", b"\xff")
    assert of_limits.get("key") == b"\xff"
    assert connection.call(b"GET", b"key") == b"\xff"
    assert shared.dump("key") == of_limits.dump("key")


def test_commands_of_one_turn_leave_in_one_piece(
    connection: PipelinedConnection, shared: PipelinedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.ping()
    link = connection._link
    assert link
    sent: list[bytes] = []
    send = link._socket.send

    class Watched:
        """A socket that says what it sends."""

        def __getattr__(self, name: str) -> object:
            return getattr(socket, name)

        def send(self, packed: bytes) -> int:
            sent.append(packed)
            return int(send(packed))

    socket = link._socket
    monkeypatch.setattr(link, "_socket", Watched())
    assert at_once(50, lambda index: connection.call("ECHO", str(index))) == [b"%d" % index for index in range(50)]
    assert len(sent) == 1


def test_all_greenlets_share_one_connection(connection: PipelinedConnection, shared: PipelinedClient) -> None:
    ids = at_once(20, lambda _: connection.call("CLIENT", "ID")) + at_once(20, lambda _: shared.client_id())
    assert len(set(ids)) == 1


def test_a_script_is_called_by_its_hash_and_loaded_where_it_is_missing(shared: PipelinedClient) -> None:
    script = shared.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert script(["sum"], [3]) == 3
    shared.script_flush()
    assert script(["sum"], [4]) == 7
    shared.script_flush()
    pipeline = shared.pipeline(transaction=True)
    script(["sum"], [5], client=pipeline)
    assert pipeline.execute() == [12]


def test_a_pipeline_returns_what_each_command_returned(shared: PipelinedClient) -> None:
    for is_transaction in (True, False):
        pipeline: Any = shared.pipeline(transaction=is_transaction)
        pipeline.set("text", "no number").hset("hash", "field", "value").hgetall("hash").incr("text")
        results = pipeline.execute(raise_on_error=False)
        assert results[0] is True
        assert results[2] == {"field": "value"}
        assert isinstance(results[3], redis.ResponseError)
        with pytest.raises(redis.ResponseError, match=r"Command # 1 .INCRBY text 1. of pipeline"):
            pipeline.incr("text").execute()
    assert shared.pipeline().execute() == []


def test_a_transaction_with_a_command_that_is_none_does_nothing(shared: PipelinedClient) -> None:
    pipeline: Any = shared.pipeline(transaction=True)
    pipeline.set("key", "value")
    pipeline.execute_command("NONSENSE")
    with pytest.raises(redis.ResponseError, match="unknown command"):
        pipeline.execute()
    assert shared.get("key") is None


def test_blocks_of_many_greenlets_do_not_mix(shared: PipelinedClient) -> None:
    def count(_: int) -> list[int]:
        pipeline: Any = shared.pipeline(transaction=True)
        results: list[int] = pipeline.incr("count").incr("count").execute()
        return results

    outcomes = at_once(100, count)
    assert sorted(outcomes) == [[number, number + 1] for number in range(1, 200, 2)]


REPLIED = [
    "ERR something",
    "ERR DB index is out of range",
    "WRONGTYPE Operation against a key",
    "OOM command not allowed",
    "READONLY You can't write",
    "NOSCRIPT No matching script",
    "NOPERM User has no permissions",
    "MISCONF Errors writing to the AOF file",
    "LOADING is loading the dataset in memory",
    "MASTERDOWN Link with MASTER is down",
    "NOAUTH Authentication required",
]


@pytest.mark.parametrize("text", REPLIED)
def test_an_error_that_redis_replies_is_the_one_that_a_plain_client_raises(
    shared: PipelinedClient, connection: PipelinedConnection, plain: redis.Redis, text: str
) -> None:
    command = ("EVAL", f'return redis.error_reply("{text}")', "0")
    expected = outcome_of(plain.execute_command, *command)
    assert isinstance(expected, redis.RedisError)
    for ask in (shared.execute_command, connection.call):
        told = outcome_of(ask, *command)
        assert (type(told), told.args) == (type(expected), expected.args)
    assert shared.echo("after it") == "after it"


@pytest.mark.parametrize(
    "command",
    [
        ("WATCH", "key"),
        ("MULTI",),
        ("SELECT", "1"),
        ("SUBSCRIBE", "channel"),
        ("BLPOP", "key", "0"),
        ("XREAD", "BLOCK", "0", "STREAMS", "inbox", "$"),
        ("CLIENT REPLY", "OFF"),
    ],
)
def test_a_command_that_would_trouble_the_others_is_refused_unsent(
    shared: PipelinedClient, command: tuple[str, ...]
) -> None:
    for client in (shared, shared.pipeline()):
        with pytest.raises(redis.RedisError, match="needs a connection of its own"):
            client.execute_command(*command)
    assert shared.client_info()["db"] == 1


def test_a_transaction_that_watches_is_refused(shared: PipelinedClient) -> None:
    with pytest.raises(redis.RedisError, match="WATCH needs a connection of its own"):
        shared.transaction(lambda pipeline: None, "key")


def test_a_subscription_has_a_connection_of_its_own(shared: PipelinedClient) -> None:
    with shared.pubsub() as subscription:  # type: ignore[no-untyped-call]  # redis-py
        subscription.subscribe("channel")
        assert subscription.get_message(timeout=30)["type"] == "subscribe"
        assert shared.publish("channel", "news") == 1
        assert subscription.get_message(timeout=30)["data"] == "news"
        assert shared.echo("meanwhile") == "meanwhile"


def test_a_huge_reply_passes_among_small_ones(shared: PipelinedClient, connection: PipelinedConnection) -> None:
    huge = b"x" * 3_000_000
    assert connection.call("SET", "huge", huge) == b"OK"

    def ask(index: int) -> object:
        return connection.call("GET", "huge") == huge if index == 5 else shared.echo(str(index))

    assert at_once(20, ask) == [True if index == 5 else str(index) for index in range(20)]


def test_another_thread_is_told_that_it_may_not(shared: PipelinedClient, connection: PipelinedConnection) -> None:
    shared.ping()
    outcome = gevent.get_hub().threadpool.apply(lambda: _error_of(connection))
    assert "belongs to the thread" in outcome
    assert shared.echo("still here") == "still here"


def _error_of(connection: PipelinedConnection) -> str:
    try:
        connection.call("PING")
    except RuntimeError as error:
        return str(error)
    return ""
