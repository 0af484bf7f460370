"""The periods between which a page switches, as plain links: they work before, and without, any script."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from common.contract.constants import ALL_TIME
from common.domain import periods
from common.domain.boards import Board
from common.domain.periods import Period


@dataclass(frozen=True)
class PeriodLink:
    """The words of a period on the page. The script takes them from the page, so they are written only here."""

    name: str
    label: str
    when: str
    """The words that follow "Top 10" and "Nobody has scored yet"; empty for all time."""

    unit: str
    """The word for what begins when the period rolls over."""


_LINKS = (
    PeriodLink(ALL_TIME, "All time", "", ""),
    PeriodLink("daily", "Today", "today", "day"),
    PeriodLink("weekly", "This week", "this week", "week"),
    PeriodLink("monthly", "This month", "this month", "month"),
)


@dataclass(frozen=True)
class PeriodChoice:
    """The chosen link of a board, and its period as it is now. Iterating yields all links, the default one first."""

    board: Board
    link: PeriodLink
    period: Period

    def __iter__(self) -> Iterator[PeriodLink]:
        return iter((*_links_of(self.board), *([] if self.is_open else [self.link])))

    @property
    def is_open(self) -> bool:
        """Whether a link of the board names it. Any other period is shown by its id."""
        return self.link in _LINKS

    @property
    def default(self) -> str:
        """The name of the period that an address without one shows."""
        return _links_of(self.board)[0].name


def choose(name: str | None, board: Board, now: datetime) -> PeriodChoice | None:
    """Return the choice of a period of the board by name or id, or its first; None for one that it has not."""
    links = _links_of(board)
    if name is None:
        name = links[0].name
    for link in links:
        if name == link.name or (name != ALL_TIME and name == periods.current(link.name, now).id):
            return PeriodChoice(board, link, periods.current(link.name, now))
    try:
        if periods.name_of(name) not in board.periods:
            return None
        return PeriodChoice(board, PeriodLink(name, name, f"in {name}", ""), periods.parse(name))
    except ValueError:
        return None


def _links_of(board: Board) -> tuple[PeriodLink, ...]:
    return tuple(link for link in _LINKS if link.name in board.periods)
