"""Users whom a command names."""

import click
from sqlalchemy import Connection

from common.contract.fields import is_uuid
from common.postgres import users
from common.postgres.users import User


def found_user(connection: Connection, name_or_id: str) -> User:
    """Find a user by name or id. No name is as long as a user id, so the two cannot be confused."""
    if is_uuid(name_or_id.lower()):
        user = users.find(connection, name_or_id.lower())
    else:
        found = users.find_credentials(connection, name_or_id)
        user = found.user if found else None
    if user is None:
        raise click.ClickException(f"there is no user {name_or_id}")
    return user
