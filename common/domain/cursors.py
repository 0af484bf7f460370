"""Opaque cursors: the position at which a list continues, signed so that clients cannot make their own. Pure."""

import hmac
from collections.abc import Sequence

import orjson

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain.signing import derive, from_base64url, to_base64url

_TAG_BYTES = 16


def encode(secret: bytes, scope: str, position: list[int | str]) -> str:
    """Return a cursor for this position, valid only for lists of this `scope`."""
    payload = orjson.dumps(position)
    return to_base64url(_tag(secret, scope, payload) + payload)


def decode(secrets_in_force: Sequence[bytes], scope: str, cursor: str) -> list[int | str]:
    """Return the position in a cursor that one of these secrets signed. Raises `invalid_cursor`."""
    try:
        raw = from_base64url(cursor)
    except ValueError:
        raw = b""
    tag, payload = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
    if not any(hmac.compare_digest(tag, _tag(secret, scope, payload)) for secret in secrets_in_force):
        raise ScoreboardError(ErrorCode.INVALID_CURSOR, "This cursor is not one of this list.")
    position: list[int | str] = orjson.loads(payload)
    return position


def _tag(secret: bytes, scope: str, payload: bytes) -> bytes:
    return hmac.digest(derive(secret, "cursor", scope), payload, "sha256")[:_TAG_BYTES]
