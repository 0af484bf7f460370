"""A pipe or terminal that several processes write lines to, none of which waits for the reader, nor mixes its lines.

1. The descriptor is opened once more, so that writes to it do not block. The one that we were given stays as it is,
   because other programs use the same open file: a shell that finds its terminal non-blocking behaves strangely.
2. A pipe takes up to `LARGEST_WHOLE` bytes as a whole or not at all. What is longer may be taken in part, when the pipe
   is nearly full, and the lines of another process could come in between. Hence a lock on the pipe (`flock`), which is
   shared for a write that is taken as a whole, and exclusive from the first to the last byte of a longer one. Nobody
   waits for it: a pipe that somebody else has locked is treated as one that is full.

Where the descriptor cannot be opened once more, as by a user to whom the pipe does not belong, a write may wait for the
reader, and one that is longer may be mixed with others. A regular file takes a write of any length as a whole.
"""

import fcntl
import os
import select
import stat
import sys
from contextlib import suppress

LARGEST_WHOLE = select.PIPE_BUF
"""Bytes that a pipe takes as a whole or not at all (4096 on Linux)."""

_TRIES = 5
"""Attempts at the lock. Whoever has it is mostly done within microseconds, else the pipe is full."""


class SharedDescriptor:
    """Writes to a file descriptor that other processes write to as well, for one thread at a time."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._own = _reopened(descriptor)
        self._is_within_line = False

    def write(self, piece: bytes) -> int:
        """Write whole lines, or the rest of what was not written whole. Returns how many bytes were written.

        They are fewer than there are, or none, where the reader takes no more for now. Raises OSError if nobody reads
        any more; the piece is then lost.
        """
        if self._own is None:
            return os.write(self._descriptor, piece)
        if not self._is_within_line and not _has_locked(self._own, alone=len(piece) > LARGEST_WHOLE):
            return 0
        written = 0
        try:
            written = os.write(self._own, piece)
        except BlockingIOError:
            return 0
        except OSError:
            self._is_within_line = False
            raise
        else:
            self._is_within_line = written < len(piece)
            return written
        finally:
            if not self._is_within_line:
                fcntl.flock(self._own, fcntl.LOCK_UN)

    def release(self) -> None:
        """Close what was opened here; from now on a write may wait for the reader."""
        if self._own is not None:
            os.close(self._own)
            self._own = None
            self._is_within_line = False

    def after_fork(self) -> None:
        """Open the descriptor anew in a forked process: a lock belongs to the open file, which is the parent's too."""
        self.release()
        self._own = _reopened(self._descriptor)


def _has_locked(descriptor: int, *, alone: bool) -> bool:
    """Return whether this process has its turn. A file that knows no locks is written to all the same."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.sched_yield()
        except OSError:
            return True
        else:
            return True
    return False


def _reopened(descriptor: int) -> int | None:
    """Open a pipe or terminal once more, so that writes to it do not block. Returns None where that is not possible."""
    with suppress(OSError):
        mode = os.fstat(descriptor).st_mode
        if sys.platform == "linux" and (stat.S_ISFIFO(mode) or os.isatty(descriptor)):
            flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            return os.open(f"/proc/self/fd/{descriptor}", flags)
    return None
