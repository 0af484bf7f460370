"""Password hashing beside the event loop, because it takes tens of milliseconds and no other request may wait for it.

Under gevent it runs in a thread of gevent's pool; argon2 releases the interpreter lock. A process hashes one password
at a time, and at most half of the processors hash, whatever the number of web processes: with every processor busy,
each step of an update would wait for one until the kernel's next tick.
"""

import fcntl
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from typing import TypeVar

import gevent
from gevent import monkey

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain import passwords

Result = TypeVar("Result")

LONGEST_WAIT_SECONDS = 10
MAX_PER_ADDRESS = 3
"""The logins of one address that a process admits: one that is hashed and two that wait."""


def _unnamed_file() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


_turn = Lock()
_slots_file = _unnamed_file()
"""A file in which each slot is a byte, locked by the process that hashes. The kernel unlocks it if the process dies."""
_slot = 0


def assign_hash_slot(number: int) -> None:
    """Assign a hashing slot to the `number`th process that was forked from the one that created the slots."""
    global _slot  # noqa: PLW0603 - a process is assigned its slot once
    _slot = number % max(1, _processors() // 2)


def hashed(password: str, address: str) -> str:
    """Return a new hash of the password, in the queue of this address. Raises `dependency_unavailable` after 10 s."""
    return _in_thread(lambda: passwords.hashed(password), address)


def is_password(password: str, password_hash: str | None, address: str) -> bool:
    """Return whether the password matches. Without a hash (no such user) it takes as long and returns False."""
    fits = _in_thread(lambda: passwords.is_password(password, password_hash or passwords.DUMMY_HASH), address)
    return fits and password_hash is not None


class _AddressQueues:
    """Admits few logins of each address to the one queue, so that a flood from one address delays only itself."""

    def __init__(self) -> None:
        self._of_address: dict[str, _AddressQueue] = {}
        self._changing = Lock()

    @contextmanager
    def admitted(self, address: str, timeout: float) -> Iterator[None]:
        """Wait for admission. Raises `dependency_unavailable` after `timeout` seconds."""
        with self._changing:
            queue = self._of_address.setdefault(address, _AddressQueue())
            queue.waiting += 1
        try:
            if not queue.places.acquire(timeout=timeout):
                raise _too_many()
            try:
                yield
            finally:
                queue.places.release()
        finally:
            with self._changing:
                queue.waiting -= 1
                if not queue.waiting:
                    del self._of_address[address]


class _AddressQueue:
    def __init__(self) -> None:
        self.places = BoundedSemaphore(MAX_PER_ADDRESS)
        self.waiting = 0


_queues = _AddressQueues()


def _too_many() -> ScoreboardError:
    return ScoreboardError(ErrorCode.DEPENDENCY_UNAVAILABLE, "Too many logins at once. Try again.", retry_after=1)


def _in_thread(work: Callable[[], Result], address: str) -> Result:
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    with _queues.admitted(address, LONGEST_WAIT_SECONDS):
        return _in_turn(work, max(0.0, deadline - time.monotonic()))


def _in_turn(work: Callable[[], Result], timeout: float) -> Result:
    def work_in_slot() -> Result:
        with _holding_slot():
            return work()

    if not _turn.acquire(timeout=timeout):
        raise _too_many()
    try:
        if monkey.is_module_patched("threading"):
            result: Result = gevent.get_hub().threadpool.apply(work_in_slot)
            return result
        return work_in_slot()
    finally:
        _turn.release()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@contextmanager
def _holding_slot() -> Iterator[None]:
    fcntl.lockf(_slots_file, fcntl.LOCK_EX, 1, _slot)
    try:
        yield
    finally:
        fcntl.lockf(_slots_file, fcntl.LOCK_UN, 1, _slot)
