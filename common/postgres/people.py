"""What is told of players beside their scores, and how they change it. `common/domain/details.py` says what that is.

Every change counts `details_version` up, by which Redis tells an older copy from a newer one, and marks the player as
one whom Redis may show wrongly (`common/services/showing.py`).
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.sql.elements import ColumnElement

from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.domain import display_names
from common.domain.details import Details, KnownDetails, PlayerVisibility
from common.postgres.tables import users
from common.postgres.users import User

MOST_RENAMES, RENAMES_WITHIN = 5, timedelta(days=1)


class Person(NamedTuple):
    """An account with all that its owner may see and change of it."""

    user: User
    details: Details
    created_at: datetime


class Change(NamedTuple):
    """What a player wants to be shown. `fields` has the changed ones of `display_name`, `country` and `avatar`."""

    fields: Mapping[str, str | int | None]

    @property
    def display_name(self) -> str | None:
        name = self.fields.get("display_name")
        return name if isinstance(name, str) else None


_DETAILS = tuple(users.c[name] for name in Details._fields)


def find_details(connection: Connection, user_ids: Collection[str]) -> dict[str, KnownDetails]:
    """Return the details of those of `user_ids` that exist, by id."""
    columns = (users.c.id, *_DETAILS, users.c.details_version, users.c.suspended_at)
    rows = connection.execute(select(*columns).where(users.c.id.in_(user_ids)))
    return {row.id: KnownDetails(details_of(row), row.details_version, row.suspended_at is not None) for row in rows}


def details_of(row: Row[Any]) -> Details:
    """Return the details in a row that has their columns."""
    visibility = PlayerVisibility(row.visibility)
    return Details(row.username, row.display_name, row.country, row.avatar, visibility)


def get(connection: Connection, user_id: str) -> Person:
    """Return the account of a session. It exists, since a session refers to it."""
    columns = (users.c.id, users.c.role, users.c.created_at, *_DETAILS)
    row = connection.execute(select(*columns).where(users.c.id == user_id)).one()
    return Person(User(row.id, row.username, row.role), details_of(row), row.created_at)


def change_profile(connection: Connection, user_id: str, change: Change, now: datetime, *, counted: bool) -> bool:
    """Change what is shown of a player, and return whether that made a difference.

    A new name that is `counted` is refused with `rate_limited` after five within a day. Raises `validation_failed` for
    a name that is the username of somebody else, and `token_revoked` if the account was erased meanwhile.
    """
    columns = (*_DETAILS, users.c.renamed_at)
    before = connection.execute(select(*columns).where(*_is_there(user_id)).with_for_update()).one_or_none()
    if before is None:
        raise _erased()
    values = {name: value for name, value in change.fields.items() if getattr(before, name) != value}
    if not values:
        return False
    if change.display_name is not None and "display_name" in values:
        _refuse_username_of_another(connection, user_id, change.display_name)
    renamed_at: list[datetime] = [instant for instant in before.renamed_at if instant > now - RENAMES_WITHIN]
    if counted and "display_name" in values:
        if len(renamed_at) >= MOST_RENAMES:
            raise _renamed_too_often(renamed_at[-MOST_RENAMES] + RENAMES_WITHIN - now)
        renamed_at.append(now)
    write(connection, user_id, renamed_at=renamed_at, **values)
    return True


def find_visibility(connection: Connection, user_id: str) -> PlayerVisibility:
    """Return the visibility of a player, which stays so until the transaction ends.

    Raises `token_revoked` if the account was erased meanwhile.
    """
    visibility = connection.execute(select(users.c.visibility).where(*_is_there(user_id)).with_for_update()).scalar()
    if visibility is None:
        raise _erased()
    return PlayerVisibility(visibility)


def write(connection: Connection, user_id: str, **values: object) -> None:
    """Write columns of which something is shown: Redis has to be told of it."""
    counted: dict[str, ColumnElement[int]] = {"details_version": users.c.details_version + 1}
    connection.execute(update(users).where(users.c.id == user_id).values(**values, **counted, redis_behind=True))


def _is_there(user_id: str) -> tuple[ColumnElement[bool], ...]:
    return users.c.id == user_id, users.c.erased_at.is_(None)


def _erased() -> ScoreboardError:
    return ScoreboardError(ErrorCode.TOKEN_REVOKED)


def find_owners(connection: Connection, names: Collection[str]) -> dict[str, set[str]]:
    """Return the ids of the users whose usernames read like these display names, by display name."""
    readings = {name: {display_names.folded(name), name.lower()} for name in names}
    keys = set().union(*readings.values())
    found = connection.execute(select(users.c.username_key, users.c.id).where(users.c.username_key.in_(keys)))
    owners: dict[str, str] = {row.username_key: row.id for row in found}
    return {name: {owners[key] for key in of_name if key in owners} for name, of_name in readings.items()}


def _refuse_username_of_another(connection: Connection, user_id: str, name: str) -> None:
    readings = {display_names.folded(name), name.lower()}
    taken = select(users.c.id).where(users.c.username_key.in_(readings), users.c.id != user_id)
    if connection.execute(taken).first():
        raise invalid_field("displayName", "must not be the username of another player")


def _renamed_too_often(left: timedelta) -> ScoreboardError:
    seconds = max(1, int(left.total_seconds()) + 1)
    message = f"A name can be changed {MOST_RENAMES} times a day. Try again in {seconds} s."
    return ScoreboardError(ErrorCode.RATE_LIMITED, message, retry_after=seconds)
