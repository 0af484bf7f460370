"""The accounts of users: created once for each name, found by name or by id, and their usernames."""

import uuid
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain.tokens import Role
from common.postgres.tables import users


class User(NamedTuple):
    """An account."""

    id: str
    username: str
    role: Role


_USER = (users.c.id, users.c.username, users.c.role)


def create(connection: Connection, username: str, password_hash: str, role: Role) -> User:
    """Create an account. Raises `username_taken`; of two at the same time the database accepts one."""
    user = User(str(uuid.uuid4()), username, role)
    statement = (
        insert(users)
        .values(**user._asdict(), username_key=username.lower(), password_hash=password_hash)
        .on_conflict_do_nothing(index_elements=[users.c.username_key])
    )
    if connection.execute(statement).rowcount == 0:
        raise username_taken(username)
    return user


def find_by_name(connection: Connection, username: str) -> tuple[User, str | None] | None:
    """Return the account of this name, whatever its case; None if there is none.

    Its password hash comes with it, or None for an account without a password.
    """
    statement = select(*_USER, users.c.password_hash).where(users.c.username_key == username.lower())
    row = connection.execute(statement).one_or_none()
    return (User(row.id, row.username, row.role), row.password_hash) if row else None


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


def username_taken(username: str) -> ScoreboardError:
    return ScoreboardError(ErrorCode.USERNAME_TAKEN, f"The name {username} is taken.")


def rehash(connection: Connection, user_id: str, old_hash: str, new_hash: str) -> None:
    """Replace the hash by a new one of the same password, unless the password was changed meanwhile."""
    connection.execute(
        update(users).where(users.c.id == user_id, users.c.password_hash == old_hash).values(password_hash=new_hash)
    )


def find(connection: Connection, user_id: str) -> User | None:
    """Return the account of this id, or None."""
    row = connection.execute(select(*_USER).where(users.c.id == user_id)).one_or_none()
    return User(*row) if row else None


def get(connection: Connection, user_id: str) -> User:
    """Return the account of a session. It exists, since a session refers to it."""
    return User(*connection.execute(select(*_USER).where(users.c.id == user_id)).one())


def page(connection: Connection, after: User | None, limit: int) -> list[User]:
    """Return the first `limit` accounts that are newer than `after`, the oldest first."""
    place = (users.c.created_at, users.c.id)
    statement = select(*_USER).order_by(*place).limit(limit)
    if after:
        statement = statement.where(tuple_(*place) > select(*place).where(users.c.id == after.id).scalar_subquery())
    return [User(*row) for row in connection.execute(statement)]


def find_usernames(connection: Connection, user_ids: Collection[str]) -> dict[str, str]:
    """Return the usernames of those of `user_ids` that exist, by id."""
    statement = select(users.c.id, users.c.username).where(users.c.id.in_(user_ids))
    return {row.id: row.username for row in connection.execute(statement)}


def find_visible_usernames(connection: Connection, user_ids: Collection[str]) -> dict[str, str]:
    """Return the usernames of those of `user_ids` that exist and are not suspended, by id."""
    names = find_usernames(connection, user_ids)
    return {user_id: names[user_id] for user_id in names.keys() - find_suspended(connection, user_ids)}


def find_suspended(connection: Connection, user_ids: Collection[str]) -> set[str]:
    """Return those of `user_ids` that are suspended."""
    statement = select(users.c.id).where(users.c.id.in_(user_ids), users.c.suspended_at.is_not(None))
    return set(connection.scalars(statement))
