"""One line of the Procfile as a child whose output we read."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from honcho.environ import parse_procfile

from dev.supervise import processes, program_secrets
from dev.supervise.processes import Account

_CHUNK = 65536


@dataclass(frozen=True)
class Surroundings:
    """What a program gets: environment, folder, locks that last until the last of its family ends, and its user."""

    env: Mapping[str, str]
    cwd: Path
    locks: Sequence[int] = ()
    account: Account | None = None


class Program:
    """A command that runs, ends, and can be started again."""

    def __init__(self, name: str, command: str, surroundings: Surroundings) -> None:
        self.name = name
        self.stop_signal = signal.SIGTERM
        self._command = command
        self._surroundings = surroundings
        self._partial = b""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """Its process, running or dead. Raises RuntimeError if there never was one."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process

    @property
    def pipe(self) -> IO[bytes]:
        """Where its output comes."""
        if self.process.stdout is None:
            raise RuntimeError(f"{self.name} was started without a pipe")
        return self.process.stdout

    def launch(self) -> bool:
        """Start it; the shell replaces itself, so that signals reach the program. Always True: nothing to wait for."""
        self._process = processes.spawn(
            ["/bin/sh", "-c", f"exec {self._command}"],
            death_signal=signal.SIGTERM,
            output=subprocess.PIPE,
            env=program_secrets.environment_of(self.name, self._surroundings.env),
            cwd=self._surroundings.cwd,
            account=self._surroundings.account,
            locks=self._surroundings.locks,
        )
        os.set_blocking(self.pipe.fileno(), False)
        return True

    def read_lines(self) -> list[str] | None:
        """Whole lines that have come; None at the end of the output."""
        chunk = self._read()
        if chunk is None:
            return []
        return self._split(chunk) if chunk else None

    def last_lines(self) -> list[str]:
        """All that is left of a dead program's output, its last line even if unfinished. Closes the pipe."""
        said: list[str] = []
        while chunk := self._read():
            said += self._split(chunk)
        said += [self._partial.decode(errors="replace")] if self._partial else []
        self._partial = b""
        self.pipe.close()
        return said

    def _read(self) -> bytes | None:
        """What has come; None if nothing has yet, empty at the end."""
        try:
            return os.read(self.pipe.fileno(), _CHUNK)
        except BlockingIOError:
            return None

    def _split(self, chunk: bytes) -> list[str]:
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        return [line.decode(errors="replace") for line in lines]


def of_procfile(path: Path, surroundings_of: Callable[[str], Surroundings]) -> list[Program]:
    """Return a program for each line of the Procfile, in its order."""
    lines = parse_procfile(path.read_text(encoding="utf-8")).processes
    return [Program(name, command, surroundings_of(name)) for name, command in lines.items()]
