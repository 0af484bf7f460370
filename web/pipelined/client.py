"""The client of redis-py whose commands, scripts and pipelines go over a pipelined connection."""

from collections.abc import Iterable, Iterator
from typing import Any

import redis
from redis.client import NEVER_DECODE, Pipeline
from redis.connection import HiredisRespSerializer

from web.pipelined.connection import PipelinedConnection, read

_NEEDS_ITS_OWN = frozenset(
    {"AUTH", "CLIENT REPLY", "CLIENT TRACKING", "HELLO", "MONITOR", "PSYNC", "QUIT", "RESET", "SELECT", "SYNC"}
    | {"DISCARD", "EXEC", "MULTI", "UNWATCH", "WATCH", "WAIT", "WAITAOF"}
    | {"PSUBSCRIBE", "PUNSUBSCRIBE", "SSUBSCRIBE", "SUBSCRIBE", "SUNSUBSCRIBE", "UNSUBSCRIBE"}
    | {"BLMOVE", "BLMPOP", "BLPOP", "BRPOP", "BRPOPLPUSH", "BZMPOP", "BZPOPMAX", "BZPOPMIN"}
)
"""Commands that change what the connection's later replies are or mean, or keep it waiting."""

_MAY_BLOCK = ("XREAD", "XREADGROUP")

_pack = HiredisRespSerializer().pack


class PipelinedClient(redis.Redis):
    """A client whose commands go over a connection that others use at the same time.

    It decodes and interprets replies as its pool says, and has pub/sub use a connection of that pool.
    `repeats` says whether a command is repeated once when its connection broke, as `redis_client.connect` does.
    """

    def __init__(self, connection: PipelinedConnection, pool: redis.ConnectionPool, *, repeats: bool) -> None:
        super().__init__(connection_pool=pool)
        self.auto_close_connection_pool = True
        self._pipelined = connection
        self._repeats = repeats
        self._as_text = bool(pool.get_encoder().decode_responses)

    def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as redis-py
        """Send a command and return its reply as redis-py interprets it."""
        _refuse_what_needs_its_own(args)
        packed = b"".join(_pack(*args))
        reply = self._ask(packed, None, as_text=self._as_text and NEVER_DECODE not in options)
        return self.parse_response(_Answers((reply,)), args[0], **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: object = None) -> Pipeline:
        """Return a pipeline whose commands are sent in one piece."""
        del shard_hint
        return _Pipeline(self, transaction)

    def send_block(self, packed: list[bytes]) -> list[Any]:
        """Send commands in one piece and return their replies; errors are among them."""
        replies: list[Any] = self._ask(b"".join(packed), len(packed), as_text=self._as_text)
        return replies

    def _ask(self, packed: bytes, expected: int | None, as_text: bool) -> Any:  # noqa: ANN401
        try:
            return _unless_broken(self._pipelined.ask(packed, expected, as_text))
        except redis.ConnectionError:
            if not self._repeats:
                raise
            return self._pipelined.ask(packed, expected, as_text)


class _Pipeline(Pipeline):
    """A pipeline of redis-py that is sent over the pipelined connection."""

    def __init__(self, client: PipelinedClient, transaction: bool) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction, None)
        self._client = client
        self._is_transaction = transaction

    def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        _refuse_what_needs_its_own(args)
        if NEVER_DECODE in options:
            raise redis.RedisError(f"{args[0]} cannot be pipelined: its reply is not text")
        return self.pipeline_execute_command(*args, **options)

    def immediate_execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        return self._client.execute_command(*args, **options)

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send the commands, in a transaction if it is one, and return their results."""
        commands = self.command_stack
        try:
            if not commands:
                return []
            if self.scripts:
                self.load_scripts()  # type: ignore[no-untyped-call]
            block: Any = _Block(self._client)
            run = self._execute_transaction if self._is_transaction else self._execute_pipeline
            return run(block, commands, raise_on_error)
        finally:
            self.reset()


class _Answers:
    """Replies that have come, in the place of the connection from which redis-py reads them."""

    def __init__(self, replies: Iterable[Any]) -> None:
        self._replies: Iterator[Any] = iter(replies)

    def read_response(self, disable_decoding: bool = False) -> Any:  # noqa: ANN401
        del disable_decoding  # it was decided when the command was sent
        return read(next(self._replies))


class _Block(_Answers):
    """A block of commands and its replies, in the place of the connection over which redis-py sends a pipeline."""

    def __init__(self, client: PipelinedClient) -> None:
        super().__init__(())
        self._client = client

    @staticmethod
    def pack_commands(commands: Iterable[tuple[Any, ...]]) -> list[bytes]:
        return [b"".join(_pack(*arguments)) for arguments in commands]

    def send_packed_command(self, packed: list[bytes]) -> None:
        self._replies = iter(self._client.send_block(packed))


def _unless_broken(reply: Any) -> Any:  # noqa: ANN401
    """Raise a reply after which redis-py repeats a command as if its connection had broken: the server is loading."""
    if isinstance(reply, redis.ConnectionError):
        raise reply
    return reply


def _refuse_what_needs_its_own(arguments: tuple[Any, ...]) -> None:
    name = arguments[0]
    if name in _NEEDS_ITS_OWN or (name in _MAY_BLOCK and not {"BLOCK", b"BLOCK"}.isdisjoint(arguments)):
        raise redis.RedisError(f"{name} needs a connection of its own: others use the pipelined one at the same time")
