"""Access tokens: JWTs (RFC 7519, profile of RFC 9068) signed with HS256. Pure: the time is an argument."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

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
_OPTIONS: Options = {
    "require": ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "role"],
    "strict_aud": True,
    # PyJWT reads the clock by itself. The three claims that are held against it are checked by `_refuse_by_time`.
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


@dataclass(frozen=True)
class AccessClaims:
    """The user and session that a token was issued for, and the user's role."""

    user_id: str
    session_id: str
    role: Role


@dataclass(frozen=True)
class SignedToken:
    """The claims of a token that this service signed, and its instants (Unix seconds)."""

    claims: AccessClaims
    issued: int
    not_before: int
    expires: int

    def at(self, now: float) -> AccessClaims:
        """Return the claims if the token is valid at `now`.

        Raises `token_expired` if its hour is over, `token_invalid` if it never had such an hour.
        """
        if self.expires - self.issued != LIFETIME_SECONDS:
            raise _invalid()
        if max(self.issued, self.not_before) > now + CLOCK_SKEW_SECONDS:
            raise _invalid()
        if self.expires <= now:
            raise ScoreboardError(ErrorCode.TOKEN_EXPIRED)
        return self.claims


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
    return verify_signature(token, secrets_in_force).at(now)


def verify_signature(token: str, secrets_in_force: Sequence[bytes]) -> SignedToken:
    """Return what a token of this service says, whenever it is valid. Raises `token_invalid`."""
    payload = _signed_payload(token, secrets_in_force)
    user_id, session_id = (_id(payload, name) for name in ("sub", "sid"))
    role = payload["role"]
    if role not in ROLES or not payload["jti"]:
        raise _invalid()
    issued, not_before, expires = (_instant(payload, name) for name in ("iat", "nbf", "exp"))
    return SignedToken(AccessClaims(user_id, session_id, role), issued, not_before, expires)


def _signed_payload(token: str, secrets_in_force: Sequence[bytes]) -> dict[str, Any]:
    """Return the payload of a token from this issuer to this audience, signed with one of the secrets.

    It has every claim; `sub` and `jti` are text. Raises `token_invalid`.
    """
    if len(token) > _LONGEST_TOKEN or not token.isascii():
        raise _invalid()
    by_id = {key_id(secret): secret for secret in secrets_in_force}
    try:
        header = jwt.get_unverified_header(token)
        if header.get("typ") != TYPE or "crit" in header:
            raise _invalid()
        return jwt.decode(
            token, by_id[header["kid"]], algorithms=[ALGORITHM], issuer=ISSUER, audience=AUDIENCE, options=_OPTIONS
        )
    except (InvalidTokenError, KeyError, TypeError, ValueError):
        raise _invalid() from None


def _instant(payload: Mapping[str, object], name: str) -> int:
    value = payload[name]
    if type(value) is not int:  # True is an int to isinstance, and no instant
        raise _invalid()
    return value


def _id(payload: Mapping[str, object], name: str) -> str:
    """Return a claim that is a UUID in canonical form. Raises `token_invalid`."""
    value = payload[name]
    if not isinstance(value, str) or not is_uuid(value):
        raise _invalid()
    return value


def _invalid() -> ScoreboardError:
    return ScoreboardError(ErrorCode.TOKEN_INVALID)
