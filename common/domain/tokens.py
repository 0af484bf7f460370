"""Access tokens: JWTs (RFC 7519, profile of RFC 9068) signed with HS256. Pure: the time is an argument."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import jwt
from jwt.exceptions import InvalidTokenError
from jwt.types import Options

from common.contract.errors import ErrorCode, ScoreboardError
from common.contract.fields import is_uuid

Role = Literal["player", "admin"]
ROLES: tuple[Role, ...] = ("player", "admin")

ISSUER = "scoreboard"
AUDIENCE = "scoreboard"
TYPE = "at+jwt"
ALGORITHM = "HS256"
LIFETIME_SECONDS = 3600
CLOCK_SKEW_SECONDS = 5
"""The clock of another process may be ahead by this much."""

_LONGEST_TOKEN = 2048
_SIGNATURE_AND_PRESENCE: Options = {
    "require": ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "role"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_iss": False,
    "verify_aud": False,
    "verify_sub": False,
    "verify_jti": False,
}


@dataclass(frozen=True)
class AccessClaims:
    """The user and session that a token was issued for, and the user's role."""

    user_id: str
    session_id: str
    role: Role


def key_id(secret: bytes) -> str:
    """Return the id of a secret, which tells which secret signed without revealing it."""
    return hashlib.sha256(secret).hexdigest()[:16]


def issue(claims: AccessClaims, secret: bytes, now: int) -> str:
    """Issue a token that is valid for an hour from `now` (Unix seconds)."""
    payload = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": claims.user_id,
        "sid": claims.session_id,
        "jti": secrets.token_hex(16),
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME_SECONDS,
        "role": claims.role,
    }
    return jwt.encode(payload, secret, ALGORITHM, {"typ": TYPE, "kid": key_id(secret)})


def verify(token: str, secrets_in_force: Sequence[bytes], now: float) -> AccessClaims:
    """Return the claims of a token that this service signed. Raises `token_invalid` or `token_expired`."""
    payload = _signed_payload(token, secrets_in_force)
    issued, not_before, expires = (_instant(payload, name) for name in ("iat", "nbf", "exp"))
    if expires - issued != LIFETIME_SECONDS or max(issued, not_before) > now + CLOCK_SKEW_SECONDS:
        raise _invalid()
    if payload["iss"] != ISSUER or payload["aud"] != AUDIENCE or payload["role"] not in ROLES:
        raise _invalid()
    _text(payload, "jti")
    user_id, session_id = (_id(payload, name) for name in ("sub", "sid"))
    if expires <= now:
        raise ScoreboardError(ErrorCode.TOKEN_EXPIRED, "The access token has expired.")
    return AccessClaims(user_id, session_id, payload["role"])


def _signed_payload(token: str, secrets_in_force: Sequence[bytes]) -> Mapping[str, object]:
    """Return the payload if one of our secrets signed it. Nothing in it is checked here; `verify` checks the times."""
    if len(token) > _LONGEST_TOKEN or not token.isascii():
        raise _invalid()
    by_id = {key_id(secret): secret for secret in secrets_in_force}
    try:
        header = jwt.get_unverified_header(token)
        if header.get("typ") != TYPE or header.get("alg") != ALGORITHM or "crit" in header:
            raise _invalid()
        payload: Mapping[str, object] = jwt.decode(
            token,
            by_id[header["kid"]],
            algorithms=[ALGORITHM],
            options=_SIGNATURE_AND_PRESENCE,
        )
    except (InvalidTokenError, KeyError, TypeError, ValueError):
        raise _invalid() from None
    return payload


def _instant(payload: Mapping[str, object], name: str) -> int:
    value = payload[name]
    if type(value) is not int:  # True is an int to isinstance, and no instant
        raise _invalid()
    return value


def _text(payload: Mapping[str, object], name: str) -> str:
    value = payload[name]
    if not isinstance(value, str) or not value:
        raise _invalid()
    return value


def _id(payload: Mapping[str, object], name: str) -> str:
    """Return a claim that is a UUID in canonical form. Raises `token_invalid`."""
    value = _text(payload, name)
    if not is_uuid(value):
        raise _invalid()
    return value


def _invalid() -> ScoreboardError:
    return ScoreboardError(ErrorCode.TOKEN_INVALID, "The access token is not valid.")
