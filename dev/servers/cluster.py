"""A PostgreSQL cluster on disk: create one, and refuse one that cannot be run."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.core import secret_files
from dev.supervise.processes import Account, StartError

SUPERUSER = "postgres"
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
"""The server's whole environment: no `PG*` variable of the terminal, no secret of ours."""

_LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")

_FAST = ("--no-sync", "--set=scram_iterations=1")


@dataclass(frozen=True)
class Tools:
    """PostgreSQL's programs, the account that runs them, and the lock that they hold while they run."""

    folder: Path
    account: Account | None
    lock: int

    def run(self, name: str, arguments: Sequence[str | Path], text: str = "") -> None:
        """Run a program to its end. Raises StartError with its output if it fails."""
        uid, gid = (self.account.uid, self.account.gid) if self.account else (None, None)
        done = subprocess.run(
            [self.folder / name, *arguments],
            input=text,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            cwd="/",
            env=ENVIRONMENT,
            pass_fds=[self.lock],
            user=uid,
            group=gid,
            extra_groups=[] if self.account else None,
        )
        if done.returncode:
            raise StartError(f"{name} failed: {done.stdout.strip()}")

    def hand_over(self, path: Path) -> None:
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)


def major_version(programs: Path) -> str:
    version = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return version.split()[2].partition(".")[0]


def create(data: Path, tools: Tools, database: str, password: str, *, durable: bool) -> None:
    """Create a cluster with one empty database under another name, then rename it: a crash leaves no half cluster.

    One that is not durable, for tests, also hashes a password once instead of 4,096 times, which is at each connection.
    """
    draft = data.with_name(f"{data.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    password_file = draft.with_name(f"{draft.name}.password")
    secret_files.write_private(password_file, f"{password}\n")
    tools.hand_over(draft)
    tools.hand_over(password_file)
    arguments = [f"--pgdata={draft}", f"--username={SUPERUSER}", f"--pwfile={password_file}", "--auth=scram-sha-256"]
    try:
        tools.run("initdb", [*arguments, *_LOCALE, *([] if durable else _FAST)])
    finally:
        password_file.unlink()
    tools.run("postgres", ["--single", "-D", draft, SUPERUSER], text=f"CREATE DATABASE {database}\n")
    draft.rename(data)


def refuse_upgrade(data: Path) -> None:
    """Raise StartError if the folder has a cluster of another major version, whose data would seem lost."""
    for other in sorted(data.parent.glob("postgres[0-9]*")):
        if (other / "PG_VERSION").exists():
            raise StartError(
                f"{other} was made by another PostgreSQL than this one ({data.name}): "
                "dump it with its own version and load it here, or choose another SCOREBOARD_DATA_DIR"
            )


def require_owner(data: Path, uid: int) -> None:
    """Raise StartError if the cluster belongs to another user, as whom PostgreSQL would refuse to start."""
    owner = data.stat().st_uid
    if owner != uid:
        raise StartError(f"{data} belongs to user {owner}, not {uid}: choose another SCOREBOARD_DATA_DIR")


def remove_stale_pid_file(data: Path) -> None:
    """Remove a dead server's pid file. We hold the lock, so only one started by hand can run; it keeps its file."""
    pid_file = data / "postmaster.pid"
    if pid_file.exists() and not _works_in(pid_file.read_text(encoding="utf-8").partition("\n")[0], data):
        pid_file.unlink()


def _works_in(pid: str, folder: Path) -> bool:
    try:
        return Path(f"/proc/{int(pid)}/cwd").readlink() == folder
    except (OSError, ValueError):
        return False
