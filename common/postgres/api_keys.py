"""API keys, with which game servers sign their batches. Their secrets are derived, so the database holds none."""

import re
import secrets
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, text, update

from common.domain import signing
from common.domain.permissions import DEFAULT_REALM, SUBMITTING, Permissions, Scope, known_scopes
from common.postgres.tables import api_keys

PURPOSE = "api-key"

_ID = re.compile(r"sbk_[0-9a-f]{20}", re.ASCII)
_LOCK_NAMES = text("SELECT pg_advisory_xact_lock(:lock)")
_NAMES_LOCK = 7_030_267_215
"""The number of the advisory lock under which keys of one name are created one after the other."""


class ApiKey(NamedTuple):
    """A key without its secrets. Until `previous_until` the secret before the current one is still valid."""

    id: str
    name: str
    generation: int
    created_at: datetime
    previous_until: datetime | None
    revoked_at: datetime | None
    scopes: Collection[str] = (Scope.SUBMIT,)
    realm: str = DEFAULT_REALM
    actions: Collection[str] | None = None

    @property
    def permissions(self) -> Permissions:
        """What the key may do."""
        return Permissions(known_scopes(self.scopes), self.realm, None if self.actions is None else tuple(self.actions))


_COLUMNS = tuple(api_keys.c[name] for name in ApiKey._fields)


def is_key_id(text: str) -> bool:
    """Return whether the text has the form of a key's id."""
    return _ID.fullmatch(text) is not None


def create(connection: Connection, name: str, permissions: Permissions = SUBMITTING) -> ApiKey:
    """Create an API key of this name that may do so much."""
    row = {
        "id": f"sbk_{secrets.token_hex(10)}",
        "name": name,
        "scopes": sorted(permissions.scopes),
        "realm": permissions.realm,
        "actions": None if permissions.actions is None else list(permissions.actions),
    }
    return ApiKey(*connection.execute(insert(api_keys).values(row).returning(*_COLUMNS)).one())


def lock_name(connection: Connection, name: str) -> str | None:
    """Return the id of a live key of this name, or None. No other transaction can create one before this one ends."""
    connection.execute(_LOCK_NAMES, {"lock": _NAMES_LOCK})
    live = select(api_keys.c.id).where(api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
    return connection.execute(live.order_by(api_keys.c.created_at)).scalars().first()


def find(connection: Connection, key_id: str) -> tuple[ApiKey, datetime] | None:
    """Return the key, revoked or not, and the database's time; None if there is no such key."""
    row = connection.execute(select(*_COLUMNS, func.now()).where(api_keys.c.id == key_id)).one_or_none()
    return (ApiKey(*row[:-1]), row[-1]) if row else None


def live_ids(connection: Connection) -> frozenset[str]:
    """Return the ids of the keys that are not revoked."""
    return frozenset(connection.scalars(select(api_keys.c.id).where(api_keys.c.revoked_at.is_(None))))


def list_all(connection: Connection) -> list[ApiKey]:
    """Return all keys, the oldest first."""
    return [
        ApiKey(*row) for row in connection.execute(select(*_COLUMNS).order_by(api_keys.c.created_at, api_keys.c.id))
    ]


def rotate(connection: Connection, key_id: str, *, overlap_seconds: int) -> ApiKey | None:
    """Give a live key a new secret and return the key; None if there is no such key.

    The secret before it remains valid for `overlap_seconds`.
    """
    statement = (
        update(api_keys)
        .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
        .values(
            generation=api_keys.c.generation + 1,
            previous_until=func.now() + text("make_interval(secs => :seconds)").bindparams(seconds=overlap_seconds),
        )
        .returning(*_COLUMNS)
    )
    row = connection.execute(statement).one_or_none()
    return ApiKey(*row) if row else None


def revoke(connection: Connection, key_id: str) -> bool:
    """Revoke a key for good, and return whether there is such a key. Safe to run twice."""
    statement = (
        update(api_keys)
        .where(api_keys.c.id == key_id)
        .values(revoked_at=func.coalesce(api_keys.c.revoked_at, func.now()))
    )
    return connection.execute(statement).rowcount > 0


def current_secret(key: ApiKey, secret_key: bytes) -> str:
    """Return the secret that the owner of the key is shown once: 43 characters."""
    return _secret(key.id, key.generation, secret_key)


def signing_secrets(key: ApiKey, secret_key: bytes, now: datetime) -> Iterator[bytes]:
    """Yield the secrets that may sign a request at this instant; there are none once the key is revoked."""
    if key.revoked_at is not None:
        return
    yield current_secret(key, secret_key).encode()
    if key.previous_until is not None and now < key.previous_until:
        yield _secret(key.id, key.generation - 1, secret_key).encode()


def _secret(key_id: str, generation: int, secret_key: bytes) -> str:
    return signing.to_base64url(signing.derive(secret_key, PURPOSE, f"{key_id}\n{generation}"))
