"""Codes with which a player whose password is lost sets another one. An operator makes them; the database has digests.

A code is good once and for an hour, and only the last one of an account is.
"""

import base64
import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from common.domain.signing import fingerprint
from common.postgres.tables import reset_codes, users

LIFETIME = timedelta(hours=1)
_BYTES = 15
"""120 random bits: 24 letters and digits, which a person can read out."""

_GROUP = 6


def issue(connection: Connection, user_id: str, now: datetime) -> str:
    """Return a new code for an account; its earlier ones are void."""
    letters = base64.b32encode(secrets.token_bytes(_BYTES)).decode()
    forget(connection, user_id)
    row = {"fingerprint": fingerprint(letters), "user_id": user_id, "expires_at": now + LIFETIME}
    connection.execute(insert(reset_codes).values(row))
    return "-".join(letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))


def is_good(connection: Connection, username: str, code: str, now: datetime) -> bool:
    """Return whether this is a code of the account of this name, which has not been used and is not late."""
    statement = select(reset_codes.c.user_id).join_from(reset_codes, users)
    return connection.execute(statement.where(*_is_good(code, now), _is_of(username))).first() is not None


def use(connection: Connection, username: str, code: str, now: datetime) -> str | None:
    """Use a code up and return whose it was; None, with nothing changed, if it is not good."""
    owner = select(users.c.id).where(_is_of(username)).scalar_subquery()
    statement = update(reset_codes).where(*_is_good(code, now), reset_codes.c.user_id == owner).values(used_at=now)
    user_id: str | None = connection.execute(statement.returning(reset_codes.c.user_id)).scalar()
    return user_id


def forget(connection: Connection, user_id: str) -> None:
    """Delete every code of an account."""
    connection.execute(delete(reset_codes).where(reset_codes.c.user_id == user_id))


def _is_of(username: str) -> ColumnElement[bool]:
    return users.c.username_key == username.lower()


def _is_good(code: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    letters = code.upper().replace("-", "").replace(" ", "")
    return (
        reset_codes.c.fingerprint == fingerprint(letters),
        reset_codes.c.used_at.is_(None),
        reset_codes.c.expires_at > now,
    )
