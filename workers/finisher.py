"""Finishing batches beside the next ones: while a recorded batch is projected and settled, the next one is recorded.

Each is mostly a wait for another server, so two threads of a process do side by side what two processes would. What is
safe between two workers is safe here: an entry stays in the stream until its batch is settled, and whoever gets it
again finds it in the ledger (ADR 24).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import NamedTuple, Self

import structlog

from common.domain.inbox_entries import Delivery

log = structlog.get_logger(__name__)


class _Running(NamedTuple):
    deliveries: Sequence[Delivery]
    done: Future[None]


class Finisher:
    """Finishes batches in a thread of its own, one at a time and in their order. It ends with its `with` block."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "finisher")
        self._running: _Running | None = None
        self._failed: list[Delivery] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._wait()
        finally:
            self._thread.shutdown()

    def add(self, deliveries: Sequence[Delivery], finish: Callable[[], None]) -> None:
        """Wait until the batch before is finished, and begin to finish this one. What `finish` raises is not raised."""
        self._wait()
        self._running = _Running(deliveries, self._thread.submit(copy_context().run, finish))

    def take_failed(self, *, waits: bool = False) -> list[Delivery]:
        """Return the entries of the batches that could not be finished, once each. The caller applies them again.

        With `waits` the last batch is waited for.
        """
        if waits or (self._running and self._running.done.done()):
            self._wait()
        failed, self._failed = self._failed, []
        return failed

    def _wait(self) -> None:
        running, self._running = self._running, None
        if running and (error := running.done.exception()):
            if not isinstance(error, Exception):
                raise error
            log.warning("batch_not_finished", updates=len(running.deliveries), reason=type(error).__name__)
            self._failed += running.deliveries
