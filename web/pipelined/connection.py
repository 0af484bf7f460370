"""The pipelined connection of a process: opened on first use, by one greenlet for all who wait, and opened again."""

import copy
import os
import re
import weakref
from typing import Any

import gevent
import redis
from gevent.event import AsyncResult
from hiredis import pack_command

from common.core import deadlines
from common.redis_store.client import (
    COMMAND_TIMEOUT_SECONDS,
    fail_if_timed_out,
    has_written_nothing,
    pool_to_pipeline,
)
from web.pipelined.link import Link

_RUN_ID = re.compile(rb"^run_id:(\w+)", re.MULTILINE)


class PipelinedConnection:
    """One connection to Redis on which the commands of all greenlets of this process are pipelined.

    Every command may be under way beside those of others: none may change the state of the connection (SELECT, WATCH,
    SUBSCRIBE) or block it (BLPOP). A block of commands is sent in one piece, with no other command in it.
    """

    def __init__(self, url: str) -> None:
        self._maker = pool_to_pipeline(url)  # it makes no connection itself: it would count those that have gone too
        self._link: Link | None = None
        self._attempt: AsyncResult[Link | Exception] | None = None
        _connections.add(self)

    def call_script(self, *arguments: bytes | str) -> Any:  # noqa: ANN401 - whatever Redis replies
        """Call a script as `call` does, with the server's run id as one more argument, the last one."""
        fail_if_timed_out()
        link = self._link or self._opened()
        packed = pack_command((*arguments, link.run_id))  # type: ignore[arg-type]  # its stub knows tuples of one only
        return read(_ask(link, packed, None, as_text=False))

    def call(self, *arguments: bytes | str) -> Any:  # noqa: ANN401 - whatever Redis replies
        """Send one command and return its reply undecoded. It is never repeated.

        Raises redis.ResponseError or a subclass for an error that Redis replies, redis.ConnectionError if the
        connection broke (the command may have run), and redis.TimeoutError.
        """
        packed = pack_command(arguments)  # type: ignore[arg-type]  # its stub knows tuples of one only
        return read(self.ask(packed, None, as_text=False))

    def ask(self, packed: bytes, expected: int | None, as_text: bool) -> Any:  # noqa: ANN401
        """Send packed commands and return the reply, which may be an error as a value: `read` raises it.

        `expected` is the number of a block's replies, which are returned as a list; None means one command.
        Raises redis.ConnectionError and redis.TimeoutError.
        """
        fail_if_timed_out()
        return _ask(self._link or self._opened(), packed, expected, as_text)

    def close(self) -> None:
        """Close the connection and fail the calls that wait. The next call opens it again."""
        self._attempt = None
        if self._link is not None:
            self._link.break_off("the connection to Redis was closed")

    def forget(self) -> None:
        """Let go of what belongs to the parent, in a process that was forked."""
        if self._link is not None:
            self._link.forget()
        self._link = self._attempt = None

    def _opened(self) -> Link:
        """Wait for the link that this greenlet or another one has asked for."""
        attempt = self._attempt
        if attempt is None:
            attempt = self._attempt = AsyncResult()
            gevent.spawn(self._open, attempt)
        outcome: Any = attempt.get()
        if isinstance(outcome, redis.TimeoutError):
            deadlines.mark_timed_out("redis")
        if isinstance(outcome, Exception):
            raise copy.copy(outcome) from outcome  # each greenlet raises one of its own
        link: Link = outcome
        return link

    def _open(self, attempt: "AsyncResult[Link | Exception]") -> None:
        """Connect in a greenlet of its own, so that no request's end can take the connection from the others."""
        outcome: Link | Exception = redis.ConnectionError("nobody connects to Redis any more")
        try:
            outcome = self._connected()
        except Exception as error:  # raised in every greenlet that waits
            outcome = error
        finally:  # whatever ends this greenlet leaves nobody waiting
            if attempt is self._attempt:
                self._attempt = None
                self._link = outcome if isinstance(outcome, Link) else None
            elif isinstance(outcome, Link):
                outcome.break_off("the connection to Redis was closed while it was opened")
            attempt.set(outcome)

    def _connected(self) -> Link:
        connection: Any = self._maker.connection_class(**self._maker.connection_kwargs)
        try:
            connection.connect()
            return Link(connection, _run_id(connection), COMMAND_TIMEOUT_SECONDS, self._lose)
        except BaseException:
            connection.disconnect()
            raise

    def _lose(self, link: Link) -> None:
        if self._link is link:
            self._link = None


def _run_id(connection: Any) -> bytes:  # noqa: ANN401 - a connection of redis-py
    """Return the run id of the server behind a new connection, which does not outlive that server.

    It is empty where this user may not ask: a script that needs it asks by itself.
    """
    connection.send_command("INFO", "server")
    try:
        found = _RUN_ID.search(connection.read_response(disable_decoding=True))
    except redis.ResponseError:
        return b""
    return found.group(1) if found else b""


def _ask(link: Link, packed: bytes, expected: int | None, as_text: bool) -> Any:  # noqa: ANN401
    call = link.send(packed, expected, as_text)
    try:
        return link.wait(call)
    except BaseException as error:  # a greenlet that is killed while it waits does not know either
        if not call.never_sent:
            deadlines.command_sent()
        if isinstance(error, redis.TimeoutError):
            deadlines.mark_timed_out("redis")
        raise


def read(reply: Any) -> Any:  # noqa: ANN401
    """Return a reply, or raise the error that it is. Records that a command was sent, unless it says it did nothing."""
    if isinstance(reply, Exception):
        if not has_written_nothing(reply):
            deadlines.command_sent()
        raise reply
    deadlines.command_sent()
    return reply


_connections: "weakref.WeakSet[PipelinedConnection]" = weakref.WeakSet()


def _forget_all() -> None:
    for connection in _connections:
        connection.forget()


os.register_at_fork(after_in_child=_forget_all)
