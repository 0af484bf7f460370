"""Password hashes: argon2id with the parameters that RFC 9106 names for memory-constrained servers. Pure.

The same password is other text where a keyboard writes letters with accents as two characters (NFD, as on a Mac), so
what is hashed is its composed form (NFC).
"""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from common.contract.fields import composed

_hasher = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1)

DUMMY_HASH = "$argon2id$v=19$m=65536,t=3,p=1$CuzGWrYRex8vTOUhgLq0IA$ysmhxXAOIIs26+6PrDjA6cXyTN/UJpxMdW504XXm8h4"
"""Verified against when there is no such user, so that the answer takes as long: a hash of a password that is nobody's,
made with the parameters above, and written down since to make one takes a fifth of a second at each start."""


def hashed(password: str) -> str:
    """Return a new salted hash of the password."""
    return _hasher.hash(composed(password))


def is_password(password: str, password_hash: str) -> bool:
    """Return whether the hash is of this password: of its composed form or, as an earlier version did it, as typed."""
    spellings = dict.fromkeys((composed(password), password))
    return any(_fits(spelling, password_hash) for spelling in spellings)


def is_same(password: str, other: str) -> bool:
    """Return whether two texts are the same password."""
    return composed(password) == composed(other)


def is_outdated(password_hash: str) -> bool:
    """Return whether the hash was made with other parameters than those used now."""
    return _hasher.check_needs_rehash(password_hash)


def _fits(password: str, password_hash: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
