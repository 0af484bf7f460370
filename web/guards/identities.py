"""Who an access token names. The signature of a token is checked once, its time at every request."""

import time
from dataclasses import dataclass

from common.contract.errors import ScoreboardError
from common.core.settings import Settings
from common.domain import signing, tokens
from common.domain.tokens import Role, SignedToken

SIGNING_KEY_PURPOSE = "signing-key"

MOST_TOKENS = 10_000
"""The number of tokens that a process remembers: about 10 MB. The one that came first is forgotten first."""


@dataclass(frozen=True)
class Identity:
    """The caller of a request. `signing_keys` are the keys of the session, one of which signs its updates."""

    user_id: str
    session_id: str
    role: Role
    signing_keys: tuple[bytes, ...]


class Identities:
    """Verifies access tokens, and remembers those that it has verified. Whether the session is live is not its task."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, tuple[SignedToken, Identity]] = {}

    def of(self, token: str) -> Identity:
        """Return the caller whom a token names. Raises `token_invalid` or `token_expired`."""
        known = self._known.get(token)
        if known is None:
            signed = tokens.verify_signature(token, self._settings.jwt_secrets)
            signed.at(time.time())  # one that is not valid is not remembered
            known = self._remember(token, signed)
        signed, identity = known
        signed.at(time.time())
        return identity

    def in_header(self, authorization: str) -> Identity | None:
        """Return the caller whom the header field Authorization names; None without a valid access token in it."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            return self.of(token.strip())
        except ScoreboardError:
            return None

    def is_of_admin(self, authorization: str) -> bool:
        """Return whether the header field Authorization has the token of an admin, who is counted by another limit."""
        caller = self.in_header(authorization) if authorization else None
        return caller is not None and caller.role == "admin"

    def signing_key(self, session_id: str) -> bytes:
        """Return the signing key of a session. It is derived, so that nothing of it is stored."""
        return _signing_key(self._settings.secret_keys[0], session_id)

    def _remember(self, token: str, signed: SignedToken) -> tuple[SignedToken, Identity]:
        claims = signed.claims
        signing_keys = tuple(_signing_key(secret, claims.session_id) for secret in self._settings.secret_keys)
        identity = Identity(claims.user_id, claims.session_id, claims.role, signing_keys)
        if len(self._known) >= MOST_TOKENS:
            del self._known[next(iter(self._known))]
        self._known[token] = signed, identity
        return signed, identity


def _signing_key(secret: bytes, session_id: str) -> bytes:
    return signing.derive(secret, SIGNING_KEY_PURPOSE, session_id)
