"""One socket to Redis on which the calls of many greenlets are under way, and their replies in the same order.

1. A greenlet's call is queued with the others of this turn of the loop; at its end all leave in one `send`.
2. Redis replies in order, so the reply that comes belongs to the call that waits longest. A call whose greenlet has
   gone, killed or timed out, stays in its place: its reply is taken and dropped.
3. A call that is not answered in time retires the link: what was sent may still be answered, each call within its own
   time; what was not sent never will be; new calls need a new link. A retired link closes when nobody waits any more.
4. A link that breaks fails every call on it, and tells those of which no byte was sent that this is so.
"""

import time
from collections import deque
from collections.abc import Callable
from ssl import SSLSocket, SSLWantReadError, SSLWantWriteError
from typing import Any

import hiredis
import redis
from gevent import get_hub
from gevent.hub import Waiter
from redis._parsers.hiredis import NOT_ENOUGH_DATA

_READ, _WRITE = 1, 2
"""The events of a socket, as libev numbers them."""

_CHUNK_BYTES = 65536
_NOT_NOW = (BlockingIOError, SSLWantReadError, SSLWantWriteError)


class Call:
    """A block of commands that one greenlet has sent and waits for.

    `replies` collects those of a block; a single command has none. `began_at` is the place of its first byte in all
    that the link was ever given, `deadline` the monotonic time at which it has waited for too long.
    """

    __slots__ = ("as_text", "began_at", "deadline", "expected", "failure", "never_sent", "replies", "waiter")

    def __init__(self, expected: int | None, as_text: bool, began_at: int, deadline: float) -> None:
        self.as_text = as_text
        self.began_at = began_at
        self.deadline = deadline
        self.expected = expected
        self.failure: redis.RedisError | None = None
        self.never_sent = False
        self.replies: list[Any] = []
        self.waiter: Any = Waiter()


class Link:
    """A connection of redis-py after its handshake, whose socket is read and written by gevent's loop from now on.

    `run_id` is that of the server at its other end. `on_end` is called once, when the link takes no more calls.
    """

    def __init__(self, connection: Any, run_id: bytes, timeout: float, on_end: Callable[["Link"], None]) -> None:  # noqa: ANN401
        self._connection = connection
        self.run_id = run_id
        self._timeout = timeout
        self._on_end = on_end
        self._socket = connection._sock
        self._socket.setblocking(False)
        self._reader = connection._parser._reader
        self._hub = get_hub()
        self._loop = self._hub.loop
        self._waiting: deque[Call] = deque()
        self._unsent: list[bytes] = []
        self._queued_bytes = self._sent_bytes = 0
        self._is_flushing = False
        self._timer: Any = None
        self._writable: Any = self._loop.io(self._socket.fileno(), _WRITE)
        self._readable = self._loop.io(self._socket.fileno(), _READ)
        self._readable.start(self._receive)
        self.is_open = True

    def send(self, packed: bytes, expected: int | None, as_text: bool) -> Call:
        """Queue packed commands. `expected` is the number of a block's replies, None for a single command."""
        if not self.is_open:
            raise redis.ConnectionError("the connection to Redis has just been lost")
        call = Call(expected, as_text, self._queued_bytes, time.monotonic() + self._timeout)
        if call.waiter.hub is not self._hub:
            raise RuntimeError("a pipelined connection belongs to the thread that opened it")
        self._waiting.append(call)
        self._unsent.append(packed)
        self._queued_bytes += len(packed)
        if not self._is_flushing:
            self._is_flushing = True
            self._loop.run_callback(self._flush)
        if self._timer is None:
            self._watch(self._timeout)
        return call

    def wait(self, call: Call) -> Any:  # noqa: ANN401 - whatever Redis replies
        """Wait for a call's reply, or for the list of a block's replies; an error that Redis replied is one of them.

        Raises redis.ConnectionError if the link broke and redis.TimeoutError after the timeout.
        """
        waiter = call.waiter
        try:
            reply = waiter.get()
        finally:
            call.waiter = None
        if call.failure is not None:
            raise call.failure
        return reply

    def break_off(self, reason: str) -> None:
        """Close the socket and fail all calls."""
        if self._connection is None:
            return
        self._stop()
        self._connection.disconnect()
        self._connection = None
        calls = list(self._waiting)
        self._waiting.clear()
        for call in calls:
            self._fail(call, redis.ConnectionError(reason))
        self._end()

    def forget(self) -> None:
        """Let go of the socket in a process that was forked: it goes on in the parent, whose calls are not ours."""
        if self._connection is not None:
            self._stop()
            self._socket.close()
            self._connection = None
            self.is_open = False

    def _end(self) -> None:
        if self.is_open:
            self.is_open = False
            self._on_end(self)

    def _stop(self) -> None:
        for watcher in (self._readable, self._writable, self._timer):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        self._timer = None
        self._unsent.clear()

    def _flush(self) -> None:
        """Send what is queued, and what the socket does not take as soon as it takes more."""
        if self._connection is None or not self._unsent:
            self._is_flushing = False
            return
        packed = self._unsent[0] if len(self._unsent) == 1 else b"".join(self._unsent)
        try:
            sent = self._socket.send(packed)
        except _NOT_NOW:
            sent = 0
        except OSError as error:
            self.break_off(f"Error while writing to Redis: {error}")
            return
        self._sent_bytes += sent
        if sent == len(packed):
            self._unsent.clear()
            self._is_flushing = False
            self._writable.stop()
        else:
            self._unsent[:] = [packed[sent:]]
            if not self._writable.active:
                self._writable.start(self._flush)

    def _receive(self, everything: bool = False) -> None:
        """Hand out the replies that have come: those of one read, or all."""
        try:
            self._read(everything)
        except _NOT_NOW:
            return
        except Exception as error:  # one that nobody expects must not leave the calls waiting either
            self.break_off(f"Error while reading from Redis: {error}")

    def _read(self, everything: bool) -> None:
        is_more = True
        while is_more:
            data = self._socket.recv(_CHUNK_BYTES)
            if not data:
                raise ConnectionError("closed by the server")
            self._reader.feed(data)
            self._hand_out()
            is_more = self._connection is not None and (everything or self._has_decrypted())

    def _has_decrypted(self) -> bool:
        """Return whether TLS holds bytes back, of which the loop sees nothing: it decrypts whole records."""
        return isinstance(self._socket, SSLSocket) and self._socket.pending() > 0

    def _hand_out(self) -> None:
        waiting, gets = self._waiting, self._reader.gets
        while True:
            call = waiting[0] if waiting else None
            reply = gets(call is not None and call.as_text)
            if reply is NOT_ENOUGH_DATA:
                break
            if isinstance(reply, hiredis.PushNotification):
                continue
            if call is None:
                raise ConnectionError("a reply that nobody has asked for")
            if call.expected is None:
                waiting.popleft()
                self._wake(call, reply)
            else:
                call.replies.append(reply)
                if len(call.replies) == call.expected:
                    waiting.popleft()
                    self._wake(call, call.replies)
        if waiting and self._reader.has_data():
            waiting[0].deadline = time.monotonic() + self._timeout  # its reply is coming in
        if not self.is_open:
            self._close_if_done()

    def _watch(self, seconds: float) -> None:
        self._timer = self._loop.timer(seconds)
        self._timer.start(self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        """Time out the calls that have waited for too long, once what has come meanwhile was handed out."""
        self._timer.close()
        self._timer = None
        self._receive(everything=True)
        if self._connection is None:
            return
        now = time.monotonic()
        late = [call for call in self._waiting if call.deadline <= now]
        if late:
            self._retire(late)
        if self._connection is not None and self._waiting:
            self._watch(max(0.001, min(call.deadline for call in self._waiting if call.deadline > now) - now))

    def _retire(self, late: list[Call]) -> None:
        while self._waiting and self._waiting[-1].began_at >= self._sent_bytes:
            call = self._waiting.pop()
            is_late = call in late
            self._fail(call, _timeout() if is_late else redis.ConnectionError("Redis does not answer"))
        for call in late:
            self._fail(call, _timeout())
        self._unsent.clear()
        self._writable.stop()
        self._end()
        self._close_if_done()

    def _close_if_done(self) -> None:
        if not any(call.waiter for call in self._waiting):
            self.break_off("Redis does not answer")

    def _fail(self, call: Call, failure: redis.RedisError) -> None:
        if call.waiter is not None:
            call.failure = failure
            call.never_sent = call.began_at >= self._sent_bytes
            self._wake(call, None)

    def _wake(self, call: Call, reply: Any) -> None:  # noqa: ANN401
        waiter, call.waiter = call.waiter, None
        if waiter is not None:
            # The waiter is asked only then, and not its greenlet: that may have been killed by a callback before it.
            self._loop.run_callback(waiter.switch, reply)


def _timeout() -> redis.TimeoutError:
    return redis.TimeoutError("Timeout reading from Redis")
