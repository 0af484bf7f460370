"""Who runs a command, for the audit log."""

import os
import pwd

from sqlalchemy import Connection

from common.postgres import audit
from common.postgres.audit import COMMAND_LINE, Actor


def operator() -> Actor:
    """The command line, with the name of the operating system's user, and of the one who became root by `sudo`."""
    return Actor(COMMAND_LINE, _os_user(os.getuid(), os.environ.get("SUDO_USER")))


def record(connection: Connection, action: str, subject: str, **details: object) -> None:
    """Record what this command changes, in the transaction that changes it."""
    audit.add(connection, operator(), action, subject, **details)


def _os_user(uid: int, sudo_user: str | None) -> str:
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run as a number without a name
        name = str(uid)
    return f"{name} (sudo: {sudo_user})" if uid == 0 and sudo_user else name
