"""Players as admins look for them: by a part of a name, by a user id, or by a game's own id.

The pages are in the order of the usernames, which an index has. A part of a name has none, so whoever has it is found
by reading the names; the time that a statement may take bounds that.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from common.contract.fields import is_uuid
from common.domain.details import Details
from common.domain.tokens import Role
from common.postgres.arrays import plain_array
from common.postgres.people import details_of


class Identity(NamedTuple):
    """A game's own id of a player, and the realm in which it counts."""

    realm: str
    external_id: str


class Sought(NamedTuple):
    """Who is looked for. `part` is of a username or a display name, or a whole user id; None: whoever."""

    part: str | None = None
    external_id: str | None = None
    realm: str | None = None
    after: str | None = None


class FoundPlayer(NamedTuple):
    """An account. `key` is its place in the order of the pages."""

    user_id: str
    role: Role
    details: Details
    identities: Sequence[Identity]
    suspended_at: datetime | None
    has_password: bool
    created_at: datetime
    key: str


_COLUMNS = """u.id::text, u.role, u.username, u.display_name, u.country, u.avatar, u.visibility, u.suspended_at,
    u.password_hash IS NOT NULL AS has_password, u.created_at, u.username_key"""
_THERE = "u.erased_at IS NULL AND (CAST(:after AS text) IS NULL OR u.username_key > :after)"
_IN_ORDER = "ORDER BY u.username_key LIMIT :limit"
_OF_REALM = """EXISTS (
    SELECT FROM identities i WHERE i.user_id = u.id AND (CAST(:realm AS text) IS NULL OR i.realm = :realm)
        AND (CAST(:external_id AS text) IS NULL OR i.external_id = :external_id)
)"""
_ALL = f"SELECT {_COLUMNS} FROM users u WHERE {_THERE}"  # noqa: S608 - built from constants
_NAMED = "(u.username_key LIKE :pattern OR lower(u.display_name) LIKE :pattern)"
_IDENTITIES = text("""
SELECT user_id::text, realm, external_id FROM identities
WHERE user_id = ANY(CAST(:users AS uuid[])) ORDER BY realm, external_id
""")


def page(connection: Connection, sought: Sought, limit: int) -> list[FoundPlayer]:
    """Return the first `limit` accounts that are sought, in the order of their usernames; no erased ones."""
    conditions = []
    part = (sought.part or "").lower()
    if is_uuid(part):
        conditions.append("u.id = CAST(:part AS uuid)")
    elif part:
        conditions.append(_NAMED)
    if sought.external_id is not None or sought.realm is not None:
        conditions.append(_OF_REALM)
    statement = text(" AND ".join([_ALL, *conditions]) + f" {_IN_ORDER}")
    values = {**sought._asdict(), "part": part, "pattern": f"%{_escaped(part)}%", "limit": limit}
    return _with_identities(connection, connection.execute(statement, values).all())


def find(connection: Connection, user_id: str) -> FoundPlayer | None:
    """Return the account of this id, or None if there is none, or none any more."""
    found = page(connection, Sought(user_id), 1)
    return found[0] if found else None


def _with_identities(connection: Connection, rows: Sequence[Row[Any]]) -> list[FoundPlayer]:
    known = _identities(connection, [row.id for row in rows])
    return [
        FoundPlayer(
            user_id=row.id,
            role=row.role,
            details=details_of(row),
            identities=known.get(row.id, ()),
            suspended_at=row.suspended_at,
            has_password=row.has_password,
            created_at=row.created_at,
            key=row.username_key,
        )
        for row in rows
    ]


def _identities(connection: Connection, user_ids: Collection[str]) -> Mapping[str, Sequence[Identity]]:
    known: dict[str, list[Identity]] = {}
    for user_id, *named in connection.execute(_IDENTITIES, {"users": plain_array(user_ids)}) if user_ids else ():
        known.setdefault(user_id, []).append(Identity(*named))
    return known


def _escaped(part: str) -> str:
    """Return the text for a pattern of LIKE that means itself."""
    return part.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
