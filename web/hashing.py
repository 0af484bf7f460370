"""Password hashing beside the event loop: it takes tens of milliseconds, and everybody else must not wait.

Under gevent it runs in one of the hub's own threads; argon2 lets go of the interpreter lock. A process hashes one
password at a time, and at most half of the processors hash at all, whatever the number of web processes: with every
processor busy, each step of an update waits for one until the kernel's next tick.
"""

import fcntl
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar

import gevent
from gevent import monkey

from common import passwords
from common.errors import ErrorCode, ScoreboardError

Result = TypeVar("Result")

LONGEST_WAIT_SECONDS = 10


def _file_without_a_name() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


_turn = Lock()
_seats = _file_without_a_name()
"""Each seat is a byte, locked by the process that hashes. The kernel takes the lock from one that dies."""
_seat = 0


def take_seat(number: int) -> None:
    """For the `number`th process that was forked from the one in which the seats were made."""
    global _seat  # noqa: PLW0603 - a process has its seat once
    _seat = number % max(1, _processors() // 2)


def hashed(password: str) -> str:
    """A new hash of the password."""
    return _aside(lambda: passwords.hashed(password))


def is_password(password: str, password_hash: str | None) -> bool:
    """Whether the password fits. Without a hash (no such user) it takes just as long and says no."""
    fits = _aside(lambda: passwords.is_password(password, password_hash or passwords.NOBODYS_HASH))
    return fits and password_hash is not None


def _aside(work: Callable[[], Result]) -> Result:
    def work_seated() -> Result:
        with _seated():
            return work()

    if not _turn.acquire(timeout=LONGEST_WAIT_SECONDS):
        raise ScoreboardError(ErrorCode.DEPENDENCY_UNAVAILABLE, "Too many logins at once. Try again.", None, 1)
    try:
        if monkey.is_module_patched("threading"):
            result: Result = gevent.get_hub().threadpool.apply(work_seated)
            return result
        return work_seated()
    finally:
        _turn.release()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@contextmanager
def _seated() -> Iterator[None]:
    fcntl.lockf(_seats, fcntl.LOCK_EX, 1, _seat)
    try:
        yield
    finally:
        fcntl.lockf(_seats, fcntl.LOCK_UN, 1, _seat)
