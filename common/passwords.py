"""Password hashes: argon2id with the parameters that RFC 9106 names for memory-constrained servers."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1)

NOBODYS_HASH = _hasher.hash("a password that is nobody's")
"""Verified against when there is no such user, so that the answer takes as long."""


def hashed(password: str) -> str:
    """A new salted hash."""
    return _hasher.hash(password)


def is_password(password: str, password_hash: str) -> bool:
    """Whether the hash was made of this password."""
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
