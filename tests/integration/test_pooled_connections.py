"""What a pool lends: a connection that Redis has closed, or that has a reply left over, is somebody's error never."""

from contextlib import closing

import pytest
import redis

from common.redis_store import client as redis_client
from dev.harness.servers import Servers
from tests.conftest import REDIS_DATABASE


@pytest.fixture
def url(servers: Servers) -> str:
    servers.flush_redis(REDIS_DATABASE)
    return servers.redis_url(REDIS_DATABASE)


@pytest.mark.parametrize("kind", ["commands", "limits"])
def test_a_connection_that_redis_has_closed_is_opened_again(url: str, kind: str) -> None:
    of_limits = redis.Redis.from_pool(redis_client.pool_of_limits(url))
    client = redis_client.connect(url) if kind == "commands" else of_limits
    with closing(client), closing(redis_client.connect(url)) as other:
        for number in range(1, 6):
            assert client.incr("count") == number
            other.client_kill_filter(_type="normal", skipme=True)


def test_a_connection_with_a_reply_left_over_is_not_lent(url: str) -> None:
    with closing(redis_client.connect(url)) as client:
        connection = client.connection_pool.get_connection()
        connection._parser._reader.feed(b"+left over\r\n")
        client.connection_pool.release(connection)
        assert client.echo("mine") == "mine"


def test_a_subscription_still_asks_its_socket(url: str) -> None:
    with closing(redis_client.connect(url)) as client, client.pubsub() as subscription:  # type: ignore[no-untyped-call]
        subscription.subscribe("channel")
        assert subscription.get_message(timeout=30)["type"] == "subscribe"
        client.publish("channel", "news")
        assert subscription.get_message(timeout=30)["data"] == "news"
        assert subscription.get_message(timeout=0) is None
