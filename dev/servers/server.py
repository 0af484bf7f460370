"""The common part of the embedded servers: start, stop, lock and log."""

import importlib.util
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO

from common.core import secret_files
from dev.servers import locks, ports
from dev.supervise import processes
from dev.supervise.processes import StartError

STARTS_WITHIN_SECONDS = 60.0
EARLIER_ENDS_WITHIN_SECONDS = 30.0
_LARGEST_LOG = 10_000_000


class Server(ABC):
    """A server of our own in a folder of its own, reachable on the loopback address only."""

    name: str
    stop_signal: signal.Signals

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log_file = folder / f"{self.name}.log"
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """The address for clients, known from the first start on."""

    @abstractmethod
    def _prepare(self, lock: int) -> None:
        """Create missing files. The lock is held, so no process of an earlier server of this folder runs."""

    @abstractmethod
    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        """Start the server's process, which inherits the lock."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Return whether the server accepts connections now."""

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        return self.process.pid

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The server's process, running or dead. Raises StartError if it was never started."""
        if self._process is None:
            raise StartError(f"{self.name} was not started")
        return self._process

    def is_running(self) -> bool:
        return self._process is not None and not processes.has_ended(self._process)

    def launch(self) -> bool:
        """Start without waiting. Returns False while a process of an earlier server of this folder is still ending.

        The server keeps its first port, because clients know it.
        """
        try:
            lock = locks.hold(self.folder / f"{self.name}.lock")
        except locks.AlreadyHeldError:
            return False
        try:
            self._prepare(lock)
            self._port = self._port or ports.remembered(self.folder / "ports.json", self.name)
            self._process = self._spawn(lock)
        finally:
            os.close(lock)
        return True

    def start(self) -> None:
        """Start and wait until it accepts connections. Waits for an earlier server of this folder to end first."""
        deadline = time.monotonic() + EARLIER_ENDS_WITHIN_SECONDS
        while not self.launch():
            if time.monotonic() > deadline:
                raise StartError(f"an earlier {self.name} still runs in {self.folder}")
            time.sleep(0.01)
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while not self.is_ready():
            if self.is_running() and time.monotonic() < deadline:
                time.sleep(0.01)
                continue
            self.kill()
            raise StartError(f"{self.name} did not come up; see {self.log_file}")

    def stop(self, seconds: float = 20.0) -> None:
        """Shut down cleanly."""
        if self._process:
            processes.end(self._process, self.stop_signal, seconds)

    def kill(self) -> None:
        """Kill the server, as a crash would."""
        if self._process:
            processes.reap(self._process)

    def open_log(self) -> IO[bytes]:
        """Open the log for appending. Only its owner may read it, and one log before this one is kept."""
        if self.log_file.exists() and self.log_file.stat().st_size > _LARGEST_LOG:
            self.log_file.replace(self.log_file.with_name(f"{self.log_file.name}.1"))
        return open(self.log_file, "ab", opener=secret_files.private_opener)


def wheel_folder(package: str) -> Path:
    """Return the folder into which a wheel was unpacked, without importing the package."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise StartError(f"the package {package} is not installed: run make install")
    return Path(found.origin).parent
