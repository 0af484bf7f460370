"""Stand-ins: the ids under which players who are not named stand on a board. Pure.

A stand-in is the player's id, scrambled by a key of the service and the board: the same on this board as long as the
secret stays, another one on every other board, and for whoever does not have the secret as good as random. Only the
service can turn it back, so that it works where a player's id does and nothing has to be stored.

A user id is a UUID of version 4, which has 122 random bits, and a stand-in is one of version 8 (RFC 9562), with as
many. They are permuted by a Feistel network of ten rounds over two halves, as in the mode FF1 (NIST SP 800-38G), with
HMAC-SHA256 as the round function.
"""

import hmac
import uuid
from collections.abc import Iterator, Sequence
from functools import lru_cache

from common.domain.signing import derive

_PURPOSE = "stand-in"
_ROUNDS = range(10)
_HALF_BITS = 61
_HALF = (1 << _HALF_BITS) - 1
_PLAYER, _STAND_IN = 4, 8
"""The versions of the two kinds of UUIDs."""

_VERSION_AT, _VARIANT_AT, _VARIANT = 76, 62, 0b10  # RFC 9562, sections 4.1 and 4.2
_LOW, _MIDDLE = (1 << 62) - 1, (1 << 12) - 1


class StandIns:
    """The stand-ins of a service. The first of its secret keys makes them; the others are understood, too."""

    def __init__(self, secret_keys: Sequence[bytes]) -> None:
        self._secret_keys = tuple(secret_keys)

    def of(self, board_id: str, user_id: str) -> str:
        """Return the stand-in of a player on a board."""
        return _stand_in(_key_of(self._secret_keys[0], board_id), user_id)

    def users(self, board_id: str, stand_in: str) -> Iterator[str]:
        """Yield the user ids that a stand-in on this board may stand for, one for each secret key.

        Nothing is yielded for what is no stand-in. Whether a user exists, and is not named, is for the caller to see.
        """
        if not is_stand_in(stand_in):
            return
        for secret in self._secret_keys:
            yield _unscrambled(_key_of(secret, board_id), stand_in)


def is_stand_in(user_id: str) -> bool:
    """Return whether an id on a board is one of these, and not that of a player."""
    return uuid.UUID(user_id).version == _STAND_IN


@lru_cache(maxsize=4096)
def _key_of(secret: bytes, board_id: str) -> bytes:
    return derive(secret, _PURPOSE, board_id)


@lru_cache(maxsize=16_384)
def _stand_in(key: bytes, user_id: str) -> str:
    bits = _bits(user_id)
    left, right = bits >> _HALF_BITS, bits & _HALF
    for number in _ROUNDS:
        left, right = right, left ^ _round(key, number, right)
    return _uuid(left << _HALF_BITS | right, _STAND_IN)


def _unscrambled(key: bytes, stand_in: str) -> str:
    bits = _bits(stand_in)
    left, right = bits >> _HALF_BITS, bits & _HALF
    for number in reversed(_ROUNDS):
        left, right = right ^ _round(key, number, left), left
    return _uuid(left << _HALF_BITS | right, _PLAYER)


def _round(key: bytes, number: int, half: int) -> int:
    digest = hmac.digest(key, bytes((number,)) + half.to_bytes(8), "sha256")
    return int.from_bytes(digest[:8]) & _HALF


def _bits(text: str) -> int:
    """Return the 122 bits of a UUID that are neither its version nor its variant."""
    whole = uuid.UUID(text).int
    return (whole >> 80) << 74 | (whole >> 64 & _MIDDLE) << 62 | whole & _LOW


def _uuid(bits: int, version: int) -> str:
    high, middle, low = bits >> 74, bits >> 62 & _MIDDLE, bits & _LOW
    return str(uuid.UUID(int=high << 80 | version << _VERSION_AT | middle << 64 | _VARIANT << _VARIANT_AT | low))
