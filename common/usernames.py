"""Usernames by user id, for everything that shows an entry."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from common.models import users


def find(connection: Connection, user_ids: Collection[str]) -> dict[str, str]:
    """The names of those of `user_ids` that exist."""
    statement = select(users.c.id, users.c.username).where(users.c.id.in_(user_ids))
    return {row.id: row.username for row in connection.execute(statement)}


def find_shown(connection: Connection, user_ids: Collection[str]) -> dict[str, str]:
    """The names of those of `user_ids` that exist and are not suspended."""
    names = find(connection, user_ids)
    return {user_id: names[user_id] for user_id in names.keys() - suspended(connection, user_ids)}


def suspended(connection: Connection, user_ids: Collection[str]) -> set[str]:
    """Those of `user_ids` that are suspended."""
    statement = select(users.c.id).where(users.c.id.in_(user_ids), users.c.suspended_at.is_not(None))
    return set(connection.scalars(statement))
