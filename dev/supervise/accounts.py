"""The user that root's child processes become, and the folders that this user can reach."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path

from dev.supervise.processes import Account, StartError

_UNPRIVILEGED = ("postgres", "nobody")
_ENTERED_BY_ALL = 0o001


def unprivileged(uid: int, find: Callable[[str], Account | None]) -> Account | None:
    """Return the account to change to, or None if we are not root. Raises StartError if root has no such account."""
    if uid != 0:
        return None
    for name in _UNPRIVILEGED:
        if account := find(name):
            return account
    raise StartError("PostgreSQL does not run as root, and there is no user postgres or nobody: set DATABASE_URL")


def by_name(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)


def require_entry(uid: int) -> None:
    """Raise StartError for a user without a passwd entry, as whom initdb does not run."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise StartError(f"user {uid} has no passwd entry, so initdb cannot run: set DATABASE_URL") from None


def can_reach(folder: Path, account: Account) -> bool:
    """Return whether the account can enter every folder down to this one."""
    return all(_can_enter(parent.stat(), account) for parent in (folder, *folder.parents))


def give(path: Path, account: Account) -> None:
    """Make the account the owner of `path` and of all below it. Symbolic links are not followed."""
    for each in (path, *path.rglob("*")):
        if each.lstat().st_uid != account.uid:
            os.chown(each, account.uid, account.gid, follow_symlinks=False)


def _can_enter(state: os.stat_result, account: Account) -> bool:
    return state.st_uid == account.uid or bool(state.st_mode & _ENTERED_BY_ALL)
