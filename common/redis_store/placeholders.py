"""Numbers that are known only while a script runs in Redis, which puts them into the texts that it stores and tells."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from common.domain.standing import BoardId, Moved, Standing


class Placeholder(int):
    """The place of a number among those that the script `finish` finds, counted from 1."""


def of_batch(
    boards: Mapping[BoardId, Sequence[Standing]], moves_of: Collection[BoardId]
) -> tuple[dict[BoardId, int], dict[BoardId, dict[str, Moved]]]:
    """Return a placeholder for the seq of each of these boards, and for the moves of its rows if they are wanted."""
    seqs: dict[BoardId, int] = {}
    moves: dict[BoardId, dict[str, Moved]] = {}
    place = 0
    for board, rows in boards.items():
        place += 1
        seqs[board] = Placeholder(place)
        if board in moves_of:
            moves[board] = {
                row.key.user_id: Moved(Placeholder(at), Placeholder(at + 1))
                for at, row in zip(range(place + 1, place + 1 + 2 * len(rows), 2), rows, strict=True)
            }
            place += 2 * len(rows)
    return seqs, moves


def dumps(value: object) -> bytes:
    """Return JSON with a mark at each placeholder. No string is taken for one: JSON has the mark's byte escaped."""
    return orjson.dumps(value, default=_mark, option=orjson.OPT_PASSTHROUGH_SUBCLASS)


def _mark(value: Any) -> orjson.Fragment:  # noqa: ANN401 - as orjson asks
    if not isinstance(value, Placeholder):
        raise TypeError(type(value).__name__)
    return orjson.Fragment(b"\x01%d\x01" % value)
