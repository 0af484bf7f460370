"""The accounts of users: created once for each name, found by name or by id, and their usernames."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain.details import PlayerVisibility
from common.domain.tokens import Role
from common.postgres.tables import users


class User(NamedTuple):
    """An account."""

    id: str
    username: str
    role: Role


class Credentials(NamedTuple):
    """An account with the hash of its password, None if it has none, and when it was last set anew."""

    user: User
    password_hash: str | None
    changed_at: datetime | None


_USER = (users.c.id, users.c.username, users.c.role)


def create(
    connection: Connection,
    username: str,
    password_hash: str,
    role: Role,
    visibility: PlayerVisibility = PlayerVisibility.NAMED,
) -> User:
    """Create an account. Raises `username_taken`; of two at the same time the database accepts one."""
    user = User(str(uuid.uuid4()), username, role)
    statement = (
        insert(users)
        .values(
            **user._asdict(), username_key=username.lower(), password_hash=password_hash, visibility=visibility.value
        )
        .on_conflict_do_nothing(index_elements=[users.c.username_key])
    )
    if connection.execute(statement).rowcount == 0:
        raise username_taken(username)
    return user


def find_credentials(connection: Connection, username: str) -> Credentials | None:
    """Return the credentials of the account of this name, whatever its case; None if there is none."""
    return _credentials(connection, users.c.username_key == username.lower())


def get_credentials(connection: Connection, user_id: str) -> Credentials | None:
    """Return the credentials of the account of this id; None if there is none."""
    return _credentials(connection, users.c.id == user_id)


def with_passwords(connection: Connection, usernames: Collection[str]) -> list[tuple[User, str]]:
    """Return the accounts of these names, whatever their case, that have a password, each with its hash."""
    keys = {username.lower() for username in usernames}
    there = (users.c.username_key.in_(keys), users.c.password_hash.is_not(None))
    rows = connection.execute(select(*_USER, users.c.password_hash).where(*there))
    return [(User(row.id, row.username, row.role), row.password_hash) for row in rows]


def set_password(connection: Connection, user_id: str, password_hash: str) -> None:
    """Set a new password. The caller ends the sessions that began with the old one."""
    values = {"password_hash": password_hash, "password_changed_at": func.now()}
    connection.execute(update(users).where(users.c.id == user_id, users.c.erased_at.is_(None)).values(values))


def replace_password(connection: Connection, before: Credentials, password_hash: str) -> bool:
    """Set a new password unless another one was set since `before` was read. Returns whether it was."""
    same = users.c.password_changed_at.is_not_distinct_from(before.changed_at)
    values = {"password_hash": password_hash, "password_changed_at": func.now()}
    return connection.execute(update(users).where(users.c.id == before.user.id, same).values(values)).rowcount == 1


def has_same_password(connection: Connection, before: Credentials) -> bool:
    """Return whether no new password was set since `before` was read.

    That holds until the end of the transaction if it holds the user's row.
    """
    changed_at = select(users.c.password_changed_at).where(users.c.id == before.user.id)
    return connection.execute(changed_at).scalar() == before.changed_at


def is_taken(connection: Connection, username: str) -> bool:
    """Return whether an account has this name, whatever its case."""
    statement = select(users.c.id).where(users.c.username_key == username.lower())
    return connection.execute(statement).one_or_none() is not None


def find_taken(connection: Connection, usernames: Collection[str]) -> set[str]:
    """Return, in lower case, those of these names that accounts have, whatever their case."""
    names = {username.lower() for username in usernames}
    return (
        set(connection.scalars(select(users.c.username_key).where(users.c.username_key.in_(names)))) if names else set()
    )


def _credentials(connection: Connection, condition: ColumnElement[bool]) -> Credentials | None:
    columns = (*_USER, users.c.password_hash, users.c.password_changed_at)
    row = connection.execute(select(*columns).where(condition)).one_or_none()
    return Credentials(User(*row[:3]), row.password_hash, row.password_changed_at) if row else None


def username_taken(username: str) -> ScoreboardError:
    return ScoreboardError(ErrorCode.USERNAME_TAKEN, f"The name {username} is taken.")


def rehash(connection: Connection, user_id: str, old_hash: str, new_hash: str) -> None:
    """Replace the hash by a new one of the same password, unless the password was changed meanwhile."""
    connection.execute(
        update(users).where(users.c.id == user_id, users.c.password_hash == old_hash).values(password_hash=new_hash)
    )


def find(connection: Connection, user_id: str) -> User | None:
    """Return the account of this id, or None if there is none, or none any more."""
    there = (users.c.id == user_id, users.c.erased_at.is_(None))
    row = connection.execute(select(*_USER).where(*there)).one_or_none()
    return User(*row) if row else None


def get(connection: Connection, user_id: str) -> User:
    """Return the account of a session. It exists, since a session refers to it."""
    return User(*connection.execute(select(*_USER).where(users.c.id == user_id)).one())


def page(connection: Connection, after: User | None, limit: int) -> list[User]:
    """Return the first `limit` accounts that are newer than `after`, the oldest first."""
    place = (users.c.created_at, users.c.id)
    statement = select(*_USER).where(users.c.erased_at.is_(None)).order_by(*place).limit(limit)
    if after:
        statement = statement.where(tuple_(*place) > select(*place).where(users.c.id == after.id).scalar_subquery())
    return [User(*row) for row in connection.execute(statement)]


def find_usernames(connection: Connection, user_ids: Collection[str]) -> dict[str, str]:
    """Return the usernames of those of `user_ids` that exist, by id."""
    statement = select(users.c.id, users.c.username).where(users.c.id.in_(user_ids))
    return {row.id: row.username for row in connection.execute(statement)}
