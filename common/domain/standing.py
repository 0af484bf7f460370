"""A standing: one player's score on one board in one period, and its key. Pure."""

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


class Standing(NamedTuple):
    """A row of the table `standings`, with an absolute score; `updated_at` is in ms. A hidden row is on no board.

    `second` is the second score, 0 on a board that has none.
    """

    key: StandingKey
    score: int
    tiebreaker: int
    version: int
    updated_at: int
    hidden: bool = False
    second: int = 0


class Moved(NamedTuple):
    """A player's rank before and after a projection, counted from 1; None if the player is unranked."""

    before: int | None
    after: int | None
