"""Usernames of erased accounts, which nobody can take for 30 days: nobody shall inherit a reputation.

Only a keyed digest of a name is kept, so that the table tells whoever reads it no name.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from common.domain.signing import derive
from common.postgres.tables import kept_names

KEPT = timedelta(days=30)
_PURPOSE = "kept-name"


def keep(connection: Connection, username: str, secret_key: bytes, now: datetime) -> None:
    """Keep a name from being taken until 30 days have passed, and forget those that have been kept so long."""
    connection.execute(delete(kept_names).where(kept_names.c.until <= now))
    row = insert(kept_names).values(digest=_digest(username, secret_key), until=now + KEPT)
    replaced = row.on_conflict_do_update(index_elements=[kept_names.c.digest], set_={"until": row.excluded.until})
    connection.execute(replaced)


def is_kept(connection: Connection, username: str, secret_keys: Sequence[bytes], now: datetime) -> bool:
    """Return whether a name cannot be taken yet. A rotation of the secret has an overlap in which both are known."""
    digests = [_digest(username, secret_key) for secret_key in secret_keys]
    statement = select(kept_names.c.digest).where(kept_names.c.digest.in_(digests), kept_names.c.until > now)
    return connection.execute(statement).first() is not None


def forget(connection: Connection, username: str, secret_keys: Sequence[bytes]) -> None:
    """Let anybody take this name again."""
    digests = [_digest(username, secret_key) for secret_key in secret_keys]
    connection.execute(delete(kept_names).where(kept_names.c.digest.in_(digests)))


def find_kept(
    connection: Connection, usernames: Collection[str], secret_keys: Sequence[bytes], now: datetime
) -> set[str]:
    """Return, in lower case, those of these names that cannot be taken yet."""
    names = {_digest(username, secret_key): username.lower() for username in usernames for secret_key in secret_keys}
    if not names:
        return set()
    statement = select(kept_names.c.digest).where(kept_names.c.digest.in_(names), kept_names.c.until > now)
    return {names[bytes(digest)] for digest in connection.scalars(statement)}


def _digest(username: str, secret_key: bytes) -> bytes:
    return derive(secret_key, _PURPOSE, username.lower())
