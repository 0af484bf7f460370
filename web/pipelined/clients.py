"""The clients of Redis of one process: pipelined under gevent, pooled elsewhere or where the settings say so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import redis
from gevent import monkey

from common.core.settings import Settings
from common.redis_store import client as redis_client
from common.redis_store.client import Client, pool_of_limits, pool_to_pipeline
from web.pipelined.client import PipelinedClient
from web.pipelined.connection import PipelinedConnection


@dataclass(frozen=True)
class RedisClients:
    """Who asks Redis. They share one connection if it is pipelined and limits are counted on the same server.

    `commands` repeats a command once when its connection broke, and returns text. `limits` repeats nothing and returns
    bytes. `call_script` takes the arguments of one EVAL or EVALSHA for REDIS_URL, adds the run id of the server,
    or an empty text where that is not known, and returns the undecoded reply; it repeats nothing either.
    """

    commands: Client
    limits: Client
    call_script: Callable[..., Any]
    _closers: tuple[Callable[[], None], ...]

    @classmethod
    def create(cls, settings: Settings) -> Self:
        is_pipelined = settings.redis_connection == "pipelined" and monkey.is_module_patched("socket")
        return cls._pipelined(settings) if is_pipelined else cls._pooled(settings)

    def close(self) -> None:
        """Close every connection."""
        for close in self._closers:
            close()

    @classmethod
    def _pipelined(cls, settings: Settings) -> Self:
        connection = PipelinedConnection(settings.redis_url)
        is_shared = settings.rate_limit_url == settings.redis_url
        of_limits = connection if is_shared else PipelinedConnection(settings.rate_limit_url)
        commands = PipelinedClient(connection, pool_to_pipeline(settings.redis_url), repeats=True)
        limits = PipelinedClient(of_limits, pool_of_limits(settings.rate_limit_url), repeats=False)
        closers = (commands.close, limits.close, connection.close, of_limits.close)
        return cls(commands=commands, limits=limits, call_script=connection.call_script, _closers=closers)

    @classmethod
    def _pooled(cls, settings: Settings) -> Self:
        commands = redis_client.connect(settings.redis_url)
        limits = redis.Redis.from_pool(pool_of_limits(settings.rate_limit_url))
        bare = redis.Redis.from_pool(pool_of_limits(settings.redis_url))
        closers = (commands.close, limits.close, bare.close)

        def call_script(*arguments: bytes | str) -> Any:  # noqa: ANN401 - whatever Redis replies
            return bare.execute_command(*arguments, "")  # type: ignore[no-untyped-call]  # redis-py

        return cls(commands=commands, limits=limits, call_script=call_script, _closers=closers)
