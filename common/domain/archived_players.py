"""Where the players of an archived period are: an index by user id, in pieces. Pure.

A piece has the user ids of so many players, in order, and behind them for each of these two bytes: the number of the
chunk that has their row, and in the lowest bit whether that row is hidden whatever becomes of the player. So it is told
of who is suspended how many rows a chunk shows less, without a look at the chunk. PostgreSQL looks players up in it
by itself (`common/postgres/archives.py`).
"""

import struct
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

ID_BYTES = 16
MOST_CHUNKS = 1 << 15


class Whereabouts(NamedTuple):
    """The chunk that has a player's row, and whether that row is hidden for ever."""

    chunk: int
    is_off: bool


class Players:
    """A piece of the index."""

    def __init__(self, data: bytes, rows: int) -> None:
        ids = data[: ID_BYTES * rows]
        self._ids = [ids[start : start + ID_BYTES] for start in range(0, len(ids), ID_BYTES)]
        self._words = struct.unpack(f">{rows}H", data[ID_BYTES * rows :])

    def find(self, user_id: bytes) -> Whereabouts | None:
        """Return where a player's row is; None if it is not in this piece."""
        index = bisect_left(self._ids, user_id)
        if index == len(self._ids) or self._ids[index] != user_id:
            return None
        return whereabouts(self._words[index])

    def all(self) -> list[tuple[bytes, Whereabouts]]:
        """Return everybody in this piece."""
        return [(user_id, whereabouts(word)) for user_id, word in zip(self._ids, self._words, strict=True)]


def whereabouts(word: int) -> Whereabouts:
    """Return what two bytes of the index say."""
    return Whereabouts(word >> 1, bool(word & 1))


def packed(players: Sequence[tuple[bytes, Whereabouts]]) -> bytes:
    """Return players, in order of their ids, in one piece. Raises ValueError for a chunk beyond `MOST_CHUNKS`."""
    if any(where.chunk >= MOST_CHUNKS for _, where in players):
        raise ValueError(f"a period has at most {MOST_CHUNKS} chunks")
    words = (where.chunk << 1 | where.is_off for _, where in players)
    return b"".join(user_id for user_id, _ in players) + struct.pack(f">{len(players)}H", *words)
