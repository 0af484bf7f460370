"""Usernames by user id, for everything that shows an entry."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from common.models import users


def find(connection: Connection, user_ids: Collection[str]) -> dict[str, str]:
    """The names of those of `user_ids` that exist."""
    statement = select(users.c.id, users.c.username).where(users.c.id.in_(user_ids))
    return {row.id: row.username for row in connection.execute(statement)}
