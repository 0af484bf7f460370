"""The programs of the Procfile as child processes whose output is read."""

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
    """The environment, folder, locks and user of a program. The locks last until its last child has ended."""

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
        """The program's process, running or dead. Raises RuntimeError if it was never started."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process

    @property
    def pipe(self) -> IO[bytes]:
        """The pipe of the program's output."""
        if self.process.stdout is None:
            raise RuntimeError(f"{self.name} was started without a pipe")
        return self.process.stdout

    def launch(self) -> bool:
        """Start the program and return True. The shell replaces itself, so that signals reach the program."""
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
        if self._surroundings.account:  # which can then open the pipe anew, in order not to wait for us
            os.fchown(self.pipe.fileno(), self._surroundings.account.uid, self._surroundings.account.gid)
        return True

    def read(self) -> bytes | None:
        """Return the whole lines that have arrived; None at the end of the output."""
        chunk = self._read()
        if chunk is None:
            return b""
        return self._whole_lines(chunk) if chunk else None

    def read_rest(self) -> bytes:
        """Return the rest of a dead program's output, an unfinished last line as a whole one, and close the pipe."""
        rest = b""
        while chunk := self._read():
            rest += self._whole_lines(chunk)
        if self._partial:
            rest += self._partial + b"\n"
        self._partial = b""
        self.pipe.close()
        return rest

    def _read(self) -> bytes | None:
        """Return the bytes that have arrived; None if there are none yet, empty at the end."""
        try:
            return os.read(self.pipe.fileno(), _CHUNK)
        except BlockingIOError:
            return None

    def _whole_lines(self, chunk: bytes) -> bytes:
        whole, end, rest = chunk.rpartition(b"\n")
        if not end:
            self._partial += chunk
            return b""
        lines, self._partial = self._partial + whole + end, rest
        return lines


def of_procfile(path: Path, surroundings_of: Callable[[str], Surroundings]) -> list[Program]:
    """Return a program for each line of the Procfile, in its order."""
    lines = parse_procfile(path.read_text(encoding="utf-8")).processes
    return [Program(name, command, surroundings_of(name)) for name, command in lines.items()]
