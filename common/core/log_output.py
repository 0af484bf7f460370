"""Where log lines go: they are gathered, and written many at a time, without ever waiting for whoever reads them."""

import _thread
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from common.core.shared_descriptor import LARGEST_WHOLE, SharedDescriptor

GATHERED_LINES = 32
GATHERED_SECONDS = 0.05
"""So many lines, or what came in this time, are written together."""

MOST_WAITING_LINES = 4096
"""So many lines wait for a reader that does not read; those after them are dropped, and counted."""

LAST_WAIT_SECONDS = 1.0
"""How long the end of a process waits for a reader to take the last lines."""

_QUIET_ROUNDS = 20
"""The timer ends when nothing came for so many times `GATHERED_SECONDS`."""


class LogOutput:
    """Writes lines to a file descriptor, in their order: 32 at a time, or after 50 ms, or at once where one says so.

    It takes no lock that anybody waits for: it can be used by threads, greenlets and signal handlers alike. While the
    reader of a pipe or terminal does not read, lines wait; if there are too many, or if the descriptor is closed, they
    are dropped: `dropped` is called with their number, and once lines can be written again `notice` gives one about it.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        dropped: Callable[[int], object] = lambda _: None,
        notice: Callable[[int], bytes] = lambda _: b"",
        most_waiting: int = MOST_WAITING_LINES,
    ) -> None:
        self._descriptor = SharedDescriptor(descriptor)
        self._most_waiting = most_waiting
        self._dropped = dropped
        self._notice = notice
        self._untold = 0
        self._gathers = True
        self._begin()

    def _begin(self) -> None:
        self._lines: deque[bytes] = deque()
        self._turn = threading.Lock()
        self._timer = object()
        self._due_at = 0.0

    def add(self, line: bytes, *, at_once: bool = False) -> None:
        """Add one line, which ends with a line feed. `at_once` writes it, and what was gathered before it, now."""
        if len(self._lines) >= self._most_waiting:
            self._drop(1)
        else:
            self._lines.append(line)
        self._write_when_due(at_once=at_once)

    def add_all(self, lines: Iterable[bytes], *, at_once: bool = False) -> None:
        """Add many lines that are written together, as `add` does with one."""
        for line in lines:
            if len(self._lines) >= self._most_waiting:
                self.flush()
            if len(self._lines) >= self._most_waiting:
                self._drop(1)
            else:
                self._lines.append(line)
        self._write_when_due(at_once=at_once)

    def flush(self) -> None:
        """Write what was gathered, as far as the reader takes it."""
        # Whoever has the turn looks once more after giving it back: a line that was added meanwhile is not left behind.
        while self._lines and self._turn.acquire(blocking=False):
            try:
                is_done = self._write()
            finally:
                self._turn.release()
            if not is_done:
                return

    def close(self) -> None:
        """Write all, for up to a second; from now on, each line is written at once."""
        self._gathers = False
        deadline = time.monotonic() + LAST_WAIT_SECONDS
        self.flush()
        while self._lines and time.monotonic() < deadline:
            time.sleep(0.01)
            self.flush()

    def release(self) -> None:
        """Close the descriptor that was opened here, after `close`."""
        self._descriptor.release()

    def after_fork(self) -> None:
        """Begin anew in a forked process: what the parent had gathered is the parent's, and so is its timer."""
        self._untold = 0
        self._descriptor.after_fork()
        self._begin()

    def _write_when_due(self, *, at_once: bool) -> None:
        if at_once or not self._gathers or len(self._lines) >= GATHERED_LINES:
            self.flush()
            if not self._lines or not self._gathers:
                return
        if (now := time.monotonic()) >= self._due_at:  # no timer runs, or it was lost with its thread
            self._due_at = now + 2 * GATHERED_SECONDS
            self._timer = timer = object()
            try:
                # Under gevent this starts a greenlet. `threading.Thread.start` would switch to it and back at once.
                _thread.start_new_thread(self._write_later, (timer,))
            except RuntimeError:  # the interpreter ends
                self.flush()

    def _write_later(self, timer: object) -> None:
        """Write what has come, again and again, until nothing came for a while: starting a thread costs more."""
        quiet = 0
        while self._timer is timer:
            self._due_at = time.monotonic() + 2 * GATHERED_SECONDS
            time.sleep(GATHERED_SECONDS)
            quiet = 0 if self._lines else quiet + 1
            self.flush()
            if quiet >= _QUIET_ROUNDS:
                self._due_at = 0.0  # before the last look: who adds a line from now on starts a timer
                if not self._lines:
                    return

    def _write(self) -> bool:
        """Write until nothing is left. Returns False if the reader takes no more for now."""
        while self._lines:
            piece = self._next_piece()
            sent = self._send(piece)
            if sent < len(piece):
                self._lines.appendleft(piece[sent:])
                return False
            if self._untold and len(self._lines) < GATHERED_LINES:
                self._lines.append(self._notice(self._untold))
                self._untold = 0
        return True

    def _next_piece(self) -> bytes:
        lines = self._lines
        parts = [lines.popleft()]
        size = len(parts[0])
        while lines and (size := size + len(lines[0])) <= LARGEST_WHOLE:
            parts.append(lines.popleft())
        return b"".join(parts)

    def _send(self, piece: bytes) -> int:
        """Return how many bytes were written, or dropped because nobody can read them any more."""
        try:
            return self._descriptor.write(piece)
        except OSError:  # closed by its reader, or a full disk
            self._dropped(piece.count(b"\n"))
            return len(piece)

    def _drop(self, lines: int) -> None:
        self._untold += lines
        self._dropped(lines)
