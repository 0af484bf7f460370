"""Commands are the same bytes as redis-py makes them."""

from typing import Any

import pytest
import redis
from redis.connection import HiredisRespSerializer

from common.redis_store import client
from common.redis_store.packing import Packer

URL = "redis://127.0.0.1:1/0"

COMMANDS: list[tuple[Any, ...]] = [
    ("PING",),
    ("SET", "key", "välue", "PX", 2000),
    ("SET", "key", b"\x00\xff"),
    ("SET", "key", memoryview(b"seen")),
    ("SET", "key", bytearray(b"array")),
    ("ZADD", "key", 1.5, "member"),
    ("CLIENT SETINFO", "LIB-NAME", "redis-py"),
    (b"GET", "key"),
    ("EVALSHA", "0" * 40, 1, "key", -1, 2**53, ""),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_a_command_is_packed_as_redis_py_packs_it(command: tuple[Any, ...]) -> None:
    assert Packer().pack(*command) == HiredisRespSerializer().pack(*command)


def test_what_is_no_argument_is_redis_py_s_error() -> None:
    with pytest.raises(redis.DataError):
        Packer().pack("SET", "key", None)


def test_every_connection_of_ours_packs_so() -> None:
    for pool in (client.connect(URL).connection_pool, client.pool_of_limits(URL), client.pool_to_pipeline(URL)):
        assert isinstance(vars(pool.make_connection())["_command_packer"], Packer)
