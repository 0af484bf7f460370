"""The periods between which a page switches, as plain links: they work before, and without, any script."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from common.contract.constants import ALL_TIME, SEASON
from common.core.timestamps import format_instant
from common.domain.boards import Board
from common.domain.periods import Period
from common.domain.seasons import Season, names_a_season


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
    links: tuple[PeriodLink, ...]
    season: Season | None
    """The season that is open on the board."""

    def __iter__(self) -> Iterator[PeriodLink]:
        return iter((*self.links, *([] if self.is_open else [self.link])))

    @property
    def is_open(self) -> bool:
        """Whether a link of the board names it. Any other period is shown by its id."""
        return self.link in self.links

    @property
    def seasons(self) -> list[dict[str, str]]:
        """What the script has to know of seasons: of the open one, and of the one that is shown."""
        shown = next((each for each in self.board.seasons if each.period_id == self.period.id), None)
        told = {each.id: each for each in (self.season, shown) if each}
        return [
            {
                "period": each.period_id,
                "title": each.title,
                "startsAt": format_instant(each.starts_at),
                "endsAt": format_instant(each.ends_at),
            }
            for each in told.values()
        ]

    @property
    def default(self) -> str:
        """The name of the period that an address without one shows."""
        return self.links[0].name


def choose(name: str | None, board: Board, now: datetime) -> PeriodChoice | None:
    """Return the choice of a period of the board by name or id, or its first; None for one that it has not."""
    links = _links_of(board, now)
    try:
        period = board.find_period(links[0].name if name is None else name, now)
    except ValueError:
        return None
    if period is None:
        return None
    for link in links:
        if period == board.find_period(link.name, now):
            return PeriodChoice(board, link, period, links, board.season_at(now))
    return PeriodChoice(board, _link_by_id(board, period, now), period, links, board.season_at(now))


def _links_of(board: Board, now: datetime) -> tuple[PeriodLink, ...]:
    season = board.season_at(now)
    of_calendar = tuple(link for link in _LINKS if link.name in board.periods)
    return (*of_calendar, _link_of_season(SEASON, season)) if season else of_calendar


def _link_by_id(board: Board, period: Period, now: datetime) -> PeriodLink:
    season = board.season_named(period.id, now) if names_a_season(period.id) else None
    return _link_of_season(period.id, season) if season else PeriodLink(period.id, period.id, f"in {period.id}", "")


def _link_of_season(name: str, season: Season) -> PeriodLink:
    title = season.title or season.id
    return PeriodLink(name, title, f"in {title}", "season" if name == SEASON else "")
