"""Pages of a board by position in its order, so that nobody is skipped or shown twice while others move. Pure.

A position is (score, tiebreaker, second score): where a player with these scores, reached by that ledger entry, stands
or would stand.
A page continues from a position and not from a count, so rows that overtake each other elsewhere do not shift it.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from common.domain.entries import BoardHead
from common.domain.ranking import GREATEST_TIE


class Position(NamedTuple):
    """A place in the order: the better score first, of equal ones the better second, and then the lower ledger id."""

    score: int
    tiebreaker: int
    second: int = 0


@dataclass(frozen=True)
class Selection:
    """Which rows are asked for."""

    kind: Literal["first", "after", "before", "around", "around_score"]
    position: Position
    user_id: str = ""


FIRST = Selection("first", Position(0, 0))


def after(position: Position) -> Selection:
    """Select the rows after a position."""
    return Selection("after", position)


def before(position: Position) -> Selection:
    """Select the rows before a position."""
    return Selection("before", position)


def around(user_id: str) -> Selection:
    """Select the rows around this player, with the player in the middle where there are enough on both sides."""
    return Selection("around", Position(0, 0), user_id)


def around_score(score: int) -> Selection:
    """Select the rows around the place of somebody who reaches this score now, behind those who have it already."""
    return Selection("around_score", Position(score, GREATEST_TIE))


@dataclass(frozen=True)
class Page:
    """Rows of one instant, beginning at `start` (from 0) of `rows.total`. `found`: a player asked for is ranked.

    `would_rank` is the rank, from 1, that a score asked for would have.
    """

    rows: BoardHead
    start: int
    found: bool
    positions: tuple[Position, ...]
    would_rank: int | None = None

    def next(self, asked: Selection) -> Selection | None:
        """Return the selection of the next page; None at the end."""
        if self.positions:
            return after(self.positions[-1]) if self.start + len(self.positions) < self.rows.total else None
        if asked.kind == "before" and self.rows.total:
            return after(asked.position._replace(tiebreaker=asked.position.tiebreaker - 1))
        return None

    def previous(self, asked: Selection) -> Selection | None:
        """Return the selection of the previous page; None at the start."""
        if self.positions:
            return before(self.positions[0]) if self.start else None
        if asked.kind == "after" and self.rows.total:
            return before(asked.position._replace(tiebreaker=asked.position.tiebreaker + 1))
        return None
