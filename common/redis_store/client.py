"""The one factory of Redis clients, and the scripts that run inside the server."""

import re
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.client import Pipeline, PubSub
from redis.commands.core import Script
from redis.exceptions import NoScriptError, OutOfMemoryError, ReadOnlyError
from redis.retry import Retry

from common.core import deadlines, redis_address
from common.redis_store.direct import DirectClient
from common.redis_store.packing import Packer

_REQUIRES = re.compile(r"^-- requires: (.+)$", re.MULTILINE)
"""The line in which a script names the scripts whose functions it calls."""


_Connection = redis.connection.AbstractConnection

Client = redis.Redis

CONNECT_TIMEOUT_SECONDS = 0.5
COMMAND_TIMEOUT_SECONDS = 0.8
SILENT_SECONDS = 5.0
DEAD_AFTER_SECONDS = 10.0


_WRITES_NOTHING = (OutOfMemoryError, NoScriptError, ReadOnlyError)
"""Replies of a server that refuses the first write of a command or script; so is MISCONF, of one whose disk is full."""


class UnfitServerError(Exception):
    """The server cannot be used as it is configured; the message says why, and what to do."""


class EvictionError(UnfitServerError):
    """The server may evict keys that must not be lost."""


class CertificateError(UnfitServerError):
    """The server's certificate does not prove that it is the one that the URL names."""


def fail_if_timed_out() -> None:
    """Raise redis.ConnectionError if Redis has timed out before in the same request."""
    if deadlines.has_timed_out("redis"):
        raise redis.ConnectionError("Redis has let this request wait in vain already")


def has_written_nothing(error: Exception) -> bool:
    """Return whether this reply of Redis says that the command has done nothing."""
    return isinstance(error, _WRITES_NOTHING) or str(error).startswith("MISCONF")


class _FailFast(_Connection):
    """A connection that fails at once if its server has timed out before in the same request.

    It also records when a command was sent and its reply is awaited. What a handshake sends does not count.
    """

    _is_shaking_hands = False

    def connect_check_health(self, *arguments: Any, **keywords: Any) -> None:  # noqa: ANN401 - passed on as they are
        fail_if_timed_out()
        self._is_shaking_hands = True
        try:
            super().connect_check_health(*arguments, **keywords)
        except redis.TimeoutError:
            deadlines.mark_timed_out("redis")
            raise
        finally:
            self._is_shaking_hands = False

    def can_read(self, timeout: float | None = None) -> bool:
        """Return whether something has come. The pool asks without a timeout, before it lends the connection.

        redis-py would build a poll object each time, to find out whether the server has closed the connection: where
        commands are repeated, sending one tells as much. A reply that is left over belongs to nobody who comes now:
        then this raises redis.ConnectionError, and the pool connects anew.
        """
        if timeout is not None or not self.retry.get_retries():
            return super().can_read(timeout or 0)
        if self._parser._reader.has_data():
            raise redis.ConnectionError("a reply was left over")
        return False

    def send_packed_command(self, *arguments: Any, **keywords: Any) -> None:  # noqa: ANN401
        fail_if_timed_out()
        super().send_packed_command(*arguments, **keywords)  # type: ignore[no-untyped-call]  # redis-py

    def read_response(self, *arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401
        doubt_before = deadlines.in_doubt()
        if not self._is_shaking_hands:
            deadlines.command_sent()
        try:
            return super().read_response(*arguments, **keywords)
        except redis.TimeoutError:
            deadlines.mark_timed_out("redis")
            raise
        except redis.ResponseError as error:
            if has_written_nothing(error):
                deadlines.command_refused(doubt_before)
            raise


class FailFastConnection(_FailFast, redis.Connection):
    """A fail-fast connection over TCP."""


class FailFastTlsConnection(_FailFast, redis.SSLConnection):
    """A fail-fast connection over TLS. Certificate and host name are verified."""


class FailFastUnixConnection(_FailFast, redis.UnixDomainSocketConnection):
    """A fail-fast connection over a Unix socket."""


class _Listening(_Connection):
    """A connection that waits for what comes by reading it.

    redis-py would build a poll object to wait, another one to see whether the connection is still open, and then read.
    """

    def can_read(self, timeout: float | None = None) -> bool:
        """Return whether something has come within `timeout` seconds. Raises redis.ConnectionError if it is closed."""
        if not timeout or not self.is_connected:
            return super().can_read(timeout or 0)
        parser: Any = self._parser
        try:
            return bool(parser._reader.has_data() or parser.read_from_socket(timeout=timeout, raise_on_timeout=False))
        except OSError as error:
            self.disconnect()  # type: ignore[no-untyped-call]  # redis-py
            raise redis.ConnectionError(f"Error while reading from Redis: {error}") from error


class ListeningConnection(_Listening, redis.Connection):
    """A listening connection over TCP."""


class ListeningTlsConnection(_Listening, redis.SSLConnection):
    """A listening connection over TLS. Certificate and host name are verified."""


class ListeningUnixConnection(_Listening, redis.UnixDomainSocketConnection):
    """A listening connection over a Unix socket."""


_FAIL_FAST = {"redis": FailFastConnection, "rediss": FailFastTlsConnection, "unix": FailFastUnixConnection}
_LISTENING = {"redis": ListeningConnection, "rediss": ListeningTlsConnection, "unix": ListeningUnixConnection}
_PLAIN = {"redis": redis.Connection, "rediss": redis.SSLConnection, "unix": redis.UnixDomainSocketConnection}


def connect(url: str, *, connections: int = 64) -> Client:
    """Return a client for commands, with replies as text.

    A command is repeated once, and only when its connection broke; redis-py's own default repeats ten times silently.
    Every command may therefore run twice, and each is written to be safe when it does.
    """
    return redis.Redis.from_pool(_pool_of_commands(url, connections))


def connect_directly(url: str) -> Client:
    """Return a client as `connect` does, whose commands take less time in Python."""
    return DirectClient.from_pool(_pool_of_commands(url, connections=64))


def _pool_of_commands(url: str, connections: int) -> redis.ConnectionPool:
    return _pool(
        url,
        _FAIL_FAST,
        decode_responses=True,
        encoding_errors="backslashreplace",  # bytes that are no text make their own entry odd, and no other unreadable
        max_connections=connections,
        socket_timeout=COMMAND_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


def connect_to_listen(url: str) -> Client:
    """Return a client for blocking reads. It has no command timeout; `listen` notices a dead server."""
    return redis.Redis.from_pool(
        _pool(url, _LISTENING, decode_responses=True, socket_timeout=None, retry=Retry(NoBackoff(), 0))
    )


def pool_of_limits(url: str) -> redis.ConnectionPool:
    """Return a pool for the library that counts rate limits. It repeats nothing, because that would count twice."""
    return _pool(url, _FAIL_FAST, socket_timeout=COMMAND_TIMEOUT_SECONDS, retry=Retry(NoBackoff(), 0))


def pool_to_pipeline(url: str) -> redis.ConnectionPool:
    """Return a pool that makes the connections of `web/pipelined`, which repeats commands and tells of time-outs."""
    return _pool(
        url,
        _PLAIN,
        decode_responses=True,
        encoding_errors="backslashreplace",
        socket_timeout=COMMAND_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def _pool(url: str, kinds: Mapping[str, type[_Connection]], **options: Any) -> redis.ConnectionPool:  # noqa: ANN401
    """Create a pool whose class of connections follows the URL's scheme. No other place chooses a class."""
    address = redis_address.parse(url)
    options |= address.tls_files
    options |= {"path": address.socket_path} if address.socket_path else {"host": address.host, "port": address.port}
    return redis.ConnectionPool(
        connection_class=kinds[address.scheme],
        db=address.database,
        username=address.username,
        password=address.password,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        command_packer=Packer(),
        **options,
    )


def listen(subscription: PubSub) -> Iterator[dict[str, Any] | None]:
    """Yield messages as they come, and None about once a second, so that the listener can record a heartbeat.

    A dead connection is not always noticed, so it is pinged after five silent seconds. Raises redis.TimeoutError after
    ten seconds without a message or a reply.
    """
    last_received_at = asked_at = time.monotonic()
    while True:
        message = subscription.get_message(timeout=1.0)
        now = time.monotonic()
        if message:
            last_received_at = now
        elif now - last_received_at > DEAD_AFTER_SECONDS:
            raise redis.TimeoutError("no sign of life")
        elif now - max(last_received_at, asked_at) > SILENT_SECONDS:
            asked_at = now
            subscription.ping()
        # redis-py takes the plain PONG of RESP3 apart into letters: of what comes, only these two say anything.
        yield message if message and message["type"] in ("subscribe", "message") else None


def refuse_eviction(url: str) -> None:
    """Raise EvictionError if this server evicts keys when it is full, because an accepted update could be among them.

    Does nothing if the server is away or does not reveal its policy. Raises CertificateError for an untrusted
    certificate.
    """
    client = connect(url, connections=1)
    try:
        policy = client.info("memory").get("maxmemory_policy", "noeviction")
    except redis.RedisError as error:
        _refuse_certificate(error)
        return
    finally:
        client.close()
    if policy != "noeviction":
        raise EvictionError(f"its maxmemory-policy is {policy}, which loses updates when it is full; set noeviction")


def refuse_untrusted(url: str) -> None:
    """Raise CertificateError if this server's certificate is not trusted. Does nothing if the server is away."""
    client = connect(url, connections=1)
    try:
        client.ping()
    except redis.RedisError as error:
        _refuse_certificate(error)
    finally:
        client.close()


def _refuse_certificate(error: BaseException) -> None:
    """Raise CertificateError if a certificate caused this error."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise CertificateError(
                f"the server's certificate is refused ({cause.verify_message}): ssl_ca_certs=/path/ca.pem names the "
                "authority that signed it, and the host must be one of its names"
            ) from None
        cause = cause.__cause__ or cause.__context__


class _Sent(Script):
    """A script that is sent with the call that finds it missing.

    redis-py loads it first, by a command that succeeds even where the call is refused: an effect of which something
    has succeeded could not be said to have done nothing.
    """

    def __call__(self, keys: Any = None, args: Any = None, client: Any = None) -> Any:  # noqa: ANN401 - as redis-py
        """Call the script."""
        asked = client or self.registered_client
        if isinstance(asked, Pipeline):
            return super().__call__(keys, args, asked)
        given = (*(keys or ()), *(args or ()))
        try:
            return asked.evalsha(self.sha, len(keys or ()), *given)
        except NoScriptError:
            return asked.eval(str(self.script), len(keys or ()), *given)


def script(client: Client, name: str) -> Script:
    """Return the script `<name>.lua`, after those that it requires; it is sent once and then called by its hash."""
    return _Sent(client, "\n".join(sources(name).values()))


def call_all(client: Client, called: Script, calls: Sequence[Sequence[str | int]]) -> list[Any]:
    """Call a script several times in one round trip; each call is its number of keys, its keys and its arguments.

    redis-py's own pipeline asks before each such trip, in another one, whether Redis has the script. Where Redis does
    not have it, all calls are repeated, so the script must be safe to run twice.
    """
    try:
        return _call_all(client, called, calls)
    except NoScriptError:
        client.script_load(called.script)
    return _call_all(client, called, calls)


def _call_all(client: Client, called: Script, calls: Sequence[Sequence[str | int]]) -> list[Any]:
    pipeline = client.pipeline(transaction=False)
    for call in calls:
        pipeline.execute_command("EVALSHA", called.sha, *call)  # type: ignore[no-untyped-call]  # redis-py
    return pipeline.execute()


def sources(name: str) -> dict[str, str]:
    """Return the source of a script and of all that it requires, by name, in the order in which they are loaded."""
    loaded: dict[str, str] = {}
    _load(name, loaded)
    return loaded


def _load(name: str, loaded: dict[str, str]) -> None:
    source = resources.files("common.redis_store.lua").joinpath(f"{name}.lua").read_text(encoding="utf-8")
    for required in ", ".join(_REQUIRES.findall(source)).split(", "):
        if required and required not in loaded:
            _load(required, loaded)
    loaded[name] = source
