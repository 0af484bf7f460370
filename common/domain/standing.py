"""A standing: what one player has on one board in one period, and what it is known by. Pure."""

from typing import NamedTuple

BoardId = tuple[str, str]
"""(board id, period id): what one sorted set shows."""


class StandingKey(NamedTuple):
    """The key of a standing. The order of these tuples is the global order in which rows are locked."""

    board_id: str
    period_id: str
    user_id: str

    @property
    def board(self) -> BoardId:
        """The board and the period that this is a standing of."""
        return self.board_id, self.period_id


class Standing(NamedTuple):
    """An absolute row of PostgreSQL's standings; `updated_at` in ms. One that is hidden is taken off the board."""

    key: StandingKey
    score: int
    tiebreaker: int
    version: int
    updated_at: int
    hidden: bool = False


class Moved(NamedTuple):
    """A player's rank before and after a projection, from 1; None for unranked."""

    before: int | None
    after: int | None
