"""Opaque cursors: the position at which a list continues, signed so that clients cannot make their own. Pure."""

from collections.abc import Sequence
from hashlib import sha256

from itsdangerous import BadData, URLSafeSerializer

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain.signing import derive, from_base64url

Position = list[int | str]


def encode(secret: bytes, scope: str, position: Position) -> str:
    """Return a cursor for this position, valid only for lists of this `scope`. It needs no quoting in a URL."""
    cursor: str = _serializer([secret], scope).dumps(position)
    return cursor


def decode(secrets_in_force: Sequence[bytes], scope: str, cursor: str) -> Position:
    """Return the position in a cursor that one of these secrets signed. Raises `invalid_cursor`."""
    try:
        position: Position = _serializer(secrets_in_force, scope).loads(cursor)
        from_base64url(cursor.rpartition(".")[2])  # the library takes several spellings of one signature
    except (BadData, ValueError):
        raise ScoreboardError(ErrorCode.INVALID_CURSOR) from None
    return position


def _serializer(secrets_in_force: Sequence[bytes], scope: str) -> URLSafeSerializer:
    """Return what signs with keys that are derived for this scope."""
    keys = [derive(secret, "cursor", scope) for secret in secrets_in_force]
    return URLSafeSerializer(keys, salt="cursor", signer_kwargs={"key_derivation": "hmac", "digest_method": sha256})
