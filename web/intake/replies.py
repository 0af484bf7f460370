"""Replies: workers publish outcomes to this process, and waiting requests pick them up."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import redis
import structlog

from common.domain.inbox_entries import Reply, parse_replies
from common.redis_store import keys
from common.redis_store.client import Client, listen
from web.live.heartbeats import Heartbeats

log = structlog.get_logger(__name__)

RECONNECT_SECONDS = 0.2


class Waiter:
    """Waits for the outcome of one update, for one request."""

    def __init__(self) -> None:
        self._delivered = threading.Event()
        self.reply: Reply | None = None

    def deliver(self, reply: Reply) -> None:
        self.reply = reply
        self._delivered.set()

    def wait(self, seconds: float) -> Reply | None:
        """Wait for the reply; return None if it has not come in time."""
        self._delivered.wait(max(0.0, seconds))
        return self.reply


class Replies:
    """The subscription of this process to its replies. It starts with the first request that waits."""

    def __init__(self, listener: Client, process_id: str, heartbeats: Heartbeats) -> None:
        self._listener = listener
        self._heartbeats = heartbeats
        self._channel = keys.replies(process_id)
        self._waiters: dict[tuple[str, str], list[Waiter]] = defaultdict(list)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._tried = threading.Event()
        self._closed = False
        self._lost_at: float | None = None

    @contextmanager
    def expect(self, user_id: str, idempotency_key: str) -> Iterator[Waiter]:
        """Receive the outcome of this update from now on. Enter the block before the update is accepted."""
        self._start()
        waiter = Waiter()
        update = (user_id, idempotency_key)
        with self._lock:
            self._waiters[update].append(waiter)
        try:
            yield waiter
        finally:
            with self._lock:
                self._waiters[update].remove(waiter)
                if not self._waiters[update]:
                    del self._waiters[update]

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, name="replies", daemon=True)
                self._thread.start()
        self._tried.wait(1.0)

    def close(self) -> None:
        """Stop listening for good."""
        self._closed = True
        self._listener.connection_pool.disconnect()
        if self._thread:
            self._thread.join()

    def _listen(self) -> None:
        """Listen until closed, and reconnect if need be.

        Requests that wait meanwhile read their receipts in the end.
        """
        while not self._closed:
            try:
                self._receive()
            except (redis.RedisError, OSError) as error:
                self._log_lost(error)
            except Exception:
                if not self._closed:  # closing takes the connection away from under the listener
                    log.exception("replies_failed")
            self._tried.set()
            time.sleep(RECONNECT_SECONDS)

    def _receive(self) -> None:
        with self._listener.pubsub() as subscription:  # type: ignore[no-untyped-call]  # redis-py
            subscription.subscribe(self._channel)
            for message in listen(subscription):
                if self._closed:  # redis-py may have reconnected when `close` took the connection away
                    return
                self._heartbeats.beat("replies")
                if message and message["type"] == "subscribe":
                    self._tried.set()
                    self._log_restored()
                elif message:
                    for reply in parse_replies(message["data"]):
                        self._deliver(reply)

    def _log_lost(self, error: Exception) -> None:
        """Log the first failure in a row."""
        if self._lost_at is None and not self._closed:
            self._lost_at = time.monotonic()
            log.warning("replies_lost", error=type(error).__name__)

    def _log_restored(self) -> None:
        if self._lost_at is not None:
            log.info("replies_found_again", seconds=round(time.monotonic() - self._lost_at, 1))
            self._lost_at = None

    def _deliver(self, reply: Reply) -> None:
        for waiter in tuple(self._waiters.get((reply.user_id, reply.idempotency_key), ())):
            waiter.deliver(reply)
