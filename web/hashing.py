"""Password hashing beside the event loop: it takes tens of milliseconds, and everybody else must not wait.

Under gevent it runs in the hub's own threads; argon2 lets go of the interpreter lock. At most two at a time.
"""

from collections.abc import Callable
from threading import BoundedSemaphore
from typing import TypeVar

import gevent
from gevent import monkey

from common import passwords
from common.errors import ErrorCode, ScoreboardError

Result = TypeVar("Result")

AT_ONCE = 2
LONGEST_WAIT_SECONDS = 1.5

_slots = BoundedSemaphore(AT_ONCE)


def hashed(password: str) -> str:
    """A new hash of the password."""
    return _aside(lambda: passwords.hashed(password))


def is_password(password: str, password_hash: str | None) -> bool:
    """Whether the password fits. Without a hash (no such user) it takes just as long and says no."""
    fits = _aside(lambda: passwords.is_password(password, password_hash or passwords.NOBODYS_HASH))
    return fits and password_hash is not None


def _aside(work: Callable[[], Result]) -> Result:
    if not _slots.acquire(timeout=LONGEST_WAIT_SECONDS):
        raise ScoreboardError(ErrorCode.DEPENDENCY_UNAVAILABLE, "Too many logins at once. Try again.", None, 1)
    try:
        if monkey.is_module_patched("threading"):
            result: Result = gevent.get_hub().threadpool.apply(work)
            return result
        return work()
    finally:
        _slots.release()
