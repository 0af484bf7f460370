"""The users: made once per name, found by name or id."""

import uuid
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from common.errors import ErrorCode, ScoreboardError
from common.models import users
from common.tokens import Role


class User(NamedTuple):
    """An account."""

    id: str
    username: str
    role: Role


_USER = (users.c.id, users.c.username, users.c.role)


def create(connection: Connection, username: str, password_hash: str, role: Role) -> User:
    """A new account. Raises `username_taken`; the database settles who of two came first."""
    user = User(str(uuid.uuid4()), username, role)
    statement = (
        insert(users)
        .values(**user._asdict(), username_key=username.lower(), password_hash=password_hash)
        .on_conflict_do_nothing(index_elements=[users.c.username_key])
    )
    if connection.execute(statement).rowcount == 0:
        raise ScoreboardError(ErrorCode.USERNAME_TAKEN, f"The name {username} is taken.")
    return user


def find_by_name(connection: Connection, username: str) -> tuple[User, str] | None:
    """The account of this name in any case, with its password hash."""
    statement = select(*_USER, users.c.password_hash).where(users.c.username_key == username.lower())
    row = connection.execute(statement).one_or_none()
    return (User(row.id, row.username, row.role), row.password_hash) if row else None


def find(connection: Connection, user_id: str) -> User | None:
    """The account of this id."""
    row = connection.execute(select(*_USER).where(users.c.id == user_id)).one_or_none()
    return User(*row) if row else None


def get(connection: Connection, user_id: str) -> User:
    """The account of a session: it exists, since a session refers to it."""
    return User(*connection.execute(select(*_USER).where(users.c.id == user_id)).one())


def everybody(connection: Connection) -> list[User]:
    """All accounts, oldest first."""
    return [User(*row) for row in connection.execute(select(*_USER).order_by(users.c.created_at, users.c.id))]
