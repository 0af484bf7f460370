"""Files that say who owns a folder: held by a process and by every child that inherits them, until the last ends."""

import fcntl
import os
import time
from pathlib import Path


class AlreadyHeldError(Exception):
    """Another living process holds the file."""


def hold(path: Path, wait_seconds: float = 0.0) -> int:
    """A descriptor that holds `path`. Passed on to a child, it stays held until that child has ended too.

    So a start after a kill -9 waits for what is still dying instead of sharing its data folder.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise AlreadyHeldError(str(path)) from None
            time.sleep(0.02)
        else:
            return descriptor
