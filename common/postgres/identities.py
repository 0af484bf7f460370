"""Players of game servers: users without a password, known by the external ids of a realm.

A realm's ids never meet those of another one. An id is given to a user once and for ever: two servers that meet the
same new player at the same moment get the same user.
"""

import secrets
import uuid
from base64 import b32encode
from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, text

from common.domain.details import PlayerVisibility
from common.domain.player_profiles import PlayerProfile
from common.postgres.arrays import plain_array, text_array

_USERNAME_BYTES = 8
_USERNAME_CHARACTERS = 12


class Known(NamedTuple):
    """The user of an external id, and whether it was made just now."""

    user_id: str
    created: bool


_FIND = text("""
SELECT external_id, user_id::text FROM identities
WHERE realm = :realm AND external_id = ANY(CAST(:external_ids AS text[]))
""")

# The foreign key is checked at the end of the statement, when the user is there too.
_ADD = text("""
WITH sent AS (
    SELECT * FROM unnest(
        CAST(:external_ids AS text[]), CAST(:user_ids AS uuid[]), CAST(:usernames AS text[]),
        CAST(:display_names AS text[]), CAST(:countries AS text[])
    ) AS sent(external_id, user_id, username, display_name, country)
), added AS (
    INSERT INTO identities (realm, external_id, user_id)
    SELECT :realm, external_id, user_id FROM sent ORDER BY external_id COLLATE "C"
    ON CONFLICT (realm, external_id) DO NOTHING
    RETURNING user_id
)
INSERT INTO users (id, username, username_key, role, visibility, display_name, country)
SELECT user_id, username, lower(username), 'player', :visibility, display_name, country
FROM added JOIN sent USING (user_id)
""")

_NAMEABLE = text("""
SELECT id::text, suspended_at IS NOT NULL AS is_suspended FROM users u
WHERE id = ANY(CAST(:user_ids AS uuid[])) AND erased_at IS NULL AND (
    password_hash IS NOT NULL OR EXISTS (SELECT FROM identities i WHERE i.user_id = u.id AND i.realm = :realm)
)
""")


def find(connection: Connection, realm: str, external_ids: Collection[str]) -> dict[str, str]:
    """Return the user ids of those of these external ids that are known in the realm."""
    if not external_ids:
        return {}
    values = {"realm": realm, "external_ids": text_array(tuple(external_ids))}
    return {row.external_id: row.user_id for row in connection.execute(_FIND, values)}


def ensure(
    connection: Connection,
    realm: str,
    external_ids: Collection[str],
    usernames: Mapping[str, str] | None = None,
    *,
    visibility: PlayerVisibility = PlayerVisibility.NAMED,
    profiles: Mapping[str, PlayerProfile] | None = None,
) -> dict[str, Known]:
    """Return the user of each external id, made where there is none. Safe to run twice and at the same time.

    A new user has this visibility, the profile that `profiles` gives to the external id, and the name that `usernames`
    does, or else one that is drawn.
    Raises IntegrityError if somebody has a given name. The transaction must be READ COMMITTED, so that what another one
    adds is seen.
    """
    found = find(connection, realm, external_ids)
    missing = sorted(set(external_ids) - found.keys())
    if not missing:
        return {external_id: Known(user_id, created=False) for external_id, user_id in found.items()}
    given, shown = usernames or {}, profiles or {}
    user_ids = {external_id: str(uuid.uuid4()) for external_id in missing}
    values = {
        "realm": realm,
        "external_ids": text_array(missing),
        "user_ids": plain_array(user_ids.values()),
        "visibility": visibility.value,
        "display_names": text_array([shown.get(external_id, PlayerProfile()).display_name for external_id in missing]),
        "countries": text_array([shown.get(external_id, PlayerProfile()).country for external_id in missing]),
        "usernames": text_array([given.get(external_id) or _drawn_username() for external_id in missing]),
    }
    connection.execute(_ADD, values)
    found |= find(connection, realm, missing)
    return {
        external_id: Known(user_id, created=user_ids.get(external_id) == user_id)
        for external_id, user_id in found.items()
    }


def find_nameable(connection: Connection, realm: str, user_ids: Collection[str]) -> dict[str, bool]:
    """Return those of these users whom an API key of the realm may name, and whether each is suspended.

    They are the users with a password, and the players of the realm.
    """
    if not user_ids:
        return {}
    rows = connection.execute(_NAMEABLE, {"realm": realm, "user_ids": plain_array(user_ids)})
    return {row.id: row.is_suspended for row in rows}


def _drawn_username() -> str:
    return f"p-{b32encode(secrets.token_bytes(_USERNAME_BYTES)).decode().lower()[:_USERNAME_CHARACTERS]}"
