"""A standing: one player's score on one board in one period, and its key. Pure."""

from enum import IntFlag
from typing import NamedTuple

BoardId = tuple[str, str]
"""(board id, period id), which identify one sorted set."""


class StandingKey(NamedTuple):
    """The key of a standing. The order of these tuples is the global order in which rows are locked."""

    board_id: str
    period_id: str
    user_id: str

    @property
    def board(self) -> BoardId:
        """The board and the period of this standing."""
        return self.board_id, self.period_id


class Hidden(IntFlag):
    """Why a standing is on no board, as the bits of `standings.hidden_for`.

    EMPTY: nothing counts in it any more. DISQUALIFIED: its player is off this one board.
    """

    SUSPENDED = 1
    UNLISTED = 2
    EMPTY = 4
    GUEST = 8
    DISQUALIFIED = 16


def hidden_reasons(hidden_for: int, *, is_hidden: bool) -> Hidden:
    """Return why a standing is hidden, by its two columns.

    A version before writes only the column `hidden`, and for one reason: so that column says whether, and the bits why.
    """
    if not is_hidden:
        return Hidden(0)
    return Hidden(hidden_for) or Hidden.SUSPENDED


class Standing(NamedTuple):
    """A row of the table `standings`, with an absolute score; `updated_at` is in ms. A hidden row is on no board.

    `second` is the second score, 0 on a board that has none. A row in which nothing counts any more, since all was
    voided, is empty: it is hidden, and 0 in everything, its tiebreaker too.
    """

    key: StandingKey
    score: int
    tiebreaker: int
    version: int
    updated_at: int
    hidden: bool = False
    second: int = 0

    @property
    def is_empty(self) -> bool:
        return self.tiebreaker == 0


class Moved(NamedTuple):
    """A player's rank before and after a projection, counted from 1; None if the player is unranked."""

    before: int | None
    after: int | None
