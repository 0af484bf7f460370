"""The operator who runs a command, for the audit log."""

import os
import pwd

from sqlalchemy import Connection

from common.postgres import audit
from common.postgres.audit import COMMAND_LINE, Actor


def operator() -> Actor:
    """Return the actor of this command: the operating system's user, and the user before `sudo`."""
    return Actor(COMMAND_LINE, _os_user(os.getuid(), os.environ.get("SUDO_USER")))


def record(connection: Connection, action: str, subject: str, **details: object) -> None:
    """Add a row to the audit log, in the transaction that makes the change."""
    audit.add(connection, operator(), action, subject, **details)


def _os_user(uid: int, sudo_user: str | None) -> str:
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run as a number without a name
        name = str(uid)
    return f"{name} (sudo: {sudo_user})" if uid == 0 and sudo_user else name
