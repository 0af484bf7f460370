"""What PostgreSQL and Valkey have in common as embedded servers."""

import importlib.util
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path

from dev import children, locks

STARTS_WITHIN_SECONDS = 60.0
EARLIER_ENDS_WITHIN_SECONDS = 30.0


class ServerError(Exception):
    """A server cannot be had here; the text says what to do."""


class Server(ABC):
    """A server of our own in a folder of its own, reachable on the loopback address only."""

    name: str
    stop_signal: signal.Signals

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log_file = folder / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect; known from the first start on."""

    @abstractmethod
    def _launch(self, lock: int) -> subprocess.Popen[bytes]:
        """Start the server's process, which inherits the lock."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether the server accepts connections now."""

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._process is None:
            raise ServerError(f"{self.name} was not started")
        return self._process.pid

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start and wait until it accepts connections. Waits for an earlier server of this folder to end first."""
        try:
            lock = locks.hold(self.folder / f"{self.name}.lock", EARLIER_ENDS_WITHIN_SECONDS)
        except locks.AlreadyHeldError:
            raise ServerError(f"an earlier {self.name} still runs in {self.folder}") from None
        try:
            self._process = self._launch(lock)
        finally:
            os.close(lock)
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while not self._is_ready():
            if not self.is_running():
                raise ServerError(f"{self.name} ended at once; see {self.log_file}")
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} was not ready in time; see {self.log_file}")
            time.sleep(0.02)

    def stop(self, seconds: float = 20.0) -> None:
        """Shut down cleanly."""
        if self._process:
            children.end(self._process, self.stop_signal, seconds)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process:
            children.kill_group(self._process)
            self._process.wait()


def wheel_folder(package: str) -> Path:
    """Where a wheel was unpacked; the package itself is not imported."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ServerError(f"the package {package} is not installed: run make install")
    return Path(found.origin).parent
