"""The digest of a period's final table, by which anybody can check a copy of it later. Pure.

It is the SHA-256, in lower-case hex, of these lines in UTF-8, each ended by one line feed: first the digest of the
ranked period before it, of the same board and kind, or 64 zeros if there is none; then `rank,userId,score,second,tie`
for each player who was shown when the period was ranked, in order of their ranks from 1. No name is in it, so a player
who is erased breaks none.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

FIRST = "0" * 64
"""What stands in place of the digest before the first one."""


class Line(NamedTuple):
    """A player of a final table: `second` is 0 on a board without a second score, `tie` the id of the ledger's row."""

    user_id: str
    score: int
    second: int
    tie: int


class TableDigest:
    """The digest of a table whose lines are added in the order of the ranks."""

    def __init__(self, previous: str) -> None:
        self._hash = sha256(f"{previous}\n".encode())
        self.total = 0
        """How many lines were added."""

    def add(self, lines: Iterable[Line]) -> None:
        """Add the lines that follow."""
        numbered = [f"{rank},{','.join(map(str, line))}\n" for rank, line in enumerate(lines, start=self.total + 1)]
        self._hash.update("".join(numbered).encode())
        self.total += len(numbered)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
