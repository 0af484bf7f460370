"""Lock files of folders: a process and every child that inherits one hold it until the last of them ends."""

import fcntl
import os
import time
from pathlib import Path


class AlreadyHeldError(Exception):
    """Another living process holds the file."""


def hold(path: Path, wait_seconds: float = 0.0) -> int:
    """Lock `path` and return the descriptor. If a child inherits it, the lock lasts until that child has ended too.

    So a start after a kill -9 waits for the dying programs instead of sharing their data folder.
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
