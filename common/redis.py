"""The one factory of Redis clients, and the scripts that run inside the server."""

from importlib import resources

import redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

Client = redis.Redis

CONNECT_TIMEOUT_SECONDS = 0.5
COMMAND_TIMEOUT_SECONDS = 1.0


def connect(url: str, *, connections: int = 64) -> Client:
    """A client for commands, replies as text.

    One repetition, and only of a connection that broke: redis-py's own default repeats ten times and silently.
    Every command of ours may therefore run twice, and each is written to be safe when it does.
    """
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        max_connections=connections,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        socket_timeout=COMMAND_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


def connect_to_listen(url: str) -> Client:
    """A client for blocking reads: no command timeout; a dead server is noticed by the health check."""
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        socket_timeout=None,
        health_check_interval=5,
        retry=Retry(NoBackoff(), 0),
    )


def script(client: Client, *names: str) -> Script:
    """The files `common/lua/<name>.lua` one after the other, sent once and then called by their hash."""
    folder = resources.files("common.lua")
    source = "\n".join(folder.joinpath(f"{name}.lua").read_text(encoding="utf-8") for name in names)
    return client.register_script(source)
