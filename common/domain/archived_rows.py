"""Rows of a final table as an archive keeps them: compressed, in the order of their final ranks. Pure.

A piece is its form and the number of its rows, the user ids, and the numbers of the rows, column by column and
compressed. User ids are random, so nothing makes them smaller. A column is stored as the differences between its rows,
and of these first all lowest bytes, then all second ones, and so on: most of the higher bytes are 0 then.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple
from uuid import UUID

from common.domain.standing import Hidden

_FORM = 1
_HEAD = struct.Struct("<BI")
_BYTES = 8
_ID_BYTES = 16
_FOREVER = ~int(Hidden.SUSPENDED)
_NEVER = 0
"""Stands for a row that has no `decided_at`."""


class ArchivedRow(NamedTuple):
    """A row of a final table.

    `updated_at` and `decided_at` are in microseconds since 1970. `hidden_for` is why it was hidden when it was
    archived, as `Hidden`, and `final_hidden` whether it was hidden when the period was ranked.
    """

    user_id: str
    score: int
    second: int
    tie: int
    version: int
    updated_at: int
    decided_at: int | None
    hidden_for: int
    final_hidden: bool

    @property
    def milliseconds(self) -> int:
        """When it was updated, in milliseconds since 1970, rounded as PostgreSQL rounds."""
        return (self.updated_at + 500) // 1_000

    @property
    def is_empty(self) -> bool:
        """Whether nothing counts in it any more."""
        return self.tie == 0

    @property
    def is_off(self) -> bool:
        """Whether it is hidden whatever becomes of its player: a suspension alone is looked up when it is read."""
        return is_off(self.hidden_for)


def is_off(hidden_for: int) -> bool:
    """Return whether these reasons hide a row of a closed period for ever."""
    return hidden_for & _FOREVER != 0


class Chunk:
    """Rows that follow each other, of which only those are made that somebody asks for."""

    def __init__(self, data: bytes) -> None:
        form, rows = _HEAD.unpack_from(data)
        self._rows: int = rows
        if form != _FORM:
            raise ValueError(f"an archive of the form {form} cannot be read by this version")
        at = _HEAD.size + _ID_BYTES * self._rows
        self._ids = data[_HEAD.size : at]
        planes = zlib.decompress(data[at:])
        each = _BYTES * self._rows
        self._columns = [_unfolded(planes[start : start + each], self._rows) for start in range(0, len(planes), each)]

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, index: int) -> ArchivedRow:
        score, second, tie, version, updated_at, decided_at, hidden_for, final = (each[index] for each in self._columns)
        user_id = str(UUID(bytes=self.id_at(index)))
        decided = None if decided_at == _NEVER else decided_at
        return ArchivedRow(user_id, score, second, tie, version, updated_at, decided, hidden_for, bool(final))

    def __iter__(self) -> Iterator[ArchivedRow]:
        return (self[index] for index in range(self._rows))

    def id_at(self, index: int) -> bytes:
        """Return the bytes of the user id of one row."""
        return self._ids[_ID_BYTES * index : _ID_BYTES * (index + 1)]

    def ids(self) -> list[bytes]:
        """Return the bytes of all user ids."""
        return [self._ids[start : start + _ID_BYTES] for start in range(0, len(self._ids), _ID_BYTES)]

    def scores_at(self, index: int) -> tuple[int, int, int]:
        """Return score, second score and tie of one row."""
        scores, seconds, ties = self._columns[:3]
        return scores[index], seconds[index], ties[index]

    def reasons(self) -> Sequence[int]:
        """Return why each row is hidden, suspensions as of when it was archived."""
        return self._columns[6]


def packed(rows: Sequence[ArchivedRow]) -> bytes:
    """Return rows in one piece, of which `Chunk` makes them again."""
    user_ids, *numbers, decided, hidden, final = zip(*rows, strict=True)
    ids = b"".join(UUID(user_id).bytes for user_id in user_ids)
    columns = [*numbers, [at or _NEVER for at in decided], hidden, [int(was_hidden) for was_hidden in final]]
    return _HEAD.pack(_FORM, len(rows)) + ids + zlib.compress(b"".join(map(_folded, columns)))


def _folded(column: Sequence[int]) -> bytes:
    differences = [column[0], *(later - earlier for earlier, later in pairwise(column))]
    raw = struct.pack(f"<{len(column)}q", *differences)
    return b"".join(raw[byte::_BYTES] for byte in range(_BYTES))


def _unfolded(planes: bytes, rows: int) -> Sequence[int]:
    raw = bytearray(len(planes))
    for byte in range(_BYTES):
        raw[byte::_BYTES] = planes[byte * rows : (byte + 1) * rows]
    return list(accumulate(struct.unpack(f"<{rows}q", raw)))
