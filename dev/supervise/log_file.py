"""The file that has all output of a run: written in pieces, and begun anew when it is full."""

import os
from contextlib import suppress
from pathlib import Path

from common.core import secret_files


class LogFile:
    """A file that only its owner may read, of which one earlier one is kept.

    A full disk ends nothing. Where the file cannot be begun anew, it says so and grows, until that can be done.
    """

    def __init__(self, path: Path, largest: int) -> None:
        """Append to `path` until it would have more than `largest` bytes."""
        self._path = path
        self._largest = largest
        self._full_at = largest
        self._descriptor = self._open()
        self._size = os.fstat(self._descriptor).st_size

    def write(self, piece: bytes) -> None:
        """Append whole lines."""
        if self._size and self._size + len(piece) > self._full_at:
            self._begin_anew_or_grow()
        self._append(piece)

    def close(self) -> None:
        os.close(self._descriptor)

    def _begin_anew_or_grow(self) -> None:
        """Begin anew; where that fails, note it in the file, and try again when a tenth of `largest` has come."""
        try:
            self._begin_anew()
        except OSError as error:
            self._append(f"{self._path.name} cannot be begun anew, and grows: {error}\n".encode())
            self._full_at = self._size + self._largest // 10

    def _begin_anew(self) -> None:
        """Keep the file under its second name, and open a new one. The old one stays open until then."""
        with suppress(FileNotFoundError):  # somebody took it away, or no new one could be opened the last time
            self._path.replace(f"{self._path}.1")
        full, self._descriptor = self._descriptor, self._open()
        os.close(full)
        self._size = 0
        self._full_at = self._largest

    def _append(self, piece: bytes) -> None:
        with suppress(OSError):
            self._size += os.write(self._descriptor, piece)

    def _open(self) -> int:
        return secret_files.private_opener(str(self._path), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
