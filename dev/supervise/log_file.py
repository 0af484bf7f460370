"""The file that has all output of a run: written in pieces, and begun anew when it is full."""

import os
from contextlib import suppress
from pathlib import Path

from common.core import secret_files


class LogFile:
    """A file that only its owner may read, of which one earlier one is kept. A full disk ends nothing."""

    def __init__(self, path: Path, largest: int) -> None:
        """Append to `path` until it would have more than `largest` bytes."""
        self._path = path
        self._largest = largest
        self._descriptor = self._open()
        self._size = os.fstat(self._descriptor).st_size

    def write(self, piece: bytes) -> None:
        """Append whole lines."""
        with suppress(OSError):
            if self._size and self._size + len(piece) > self._largest:
                self._begin_anew()
            self._size += os.write(self._descriptor, piece)

    def close(self) -> None:
        os.close(self._descriptor)

    def _begin_anew(self) -> None:
        self._path.replace(f"{self._path}.1")
        full, self._descriptor = self._descriptor, self._open()
        self._size = 0
        os.close(full)

    def _open(self) -> int:
        return secret_files.private_opener(str(self._path), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
