"""The periods between which the page switches, as plain links: they work before, and without, any script."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from common.contract.constants import ALL_TIME
from common.domain import periods
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

    @property
    def address(self) -> str:
        """The link's target, relative to the root of the service."""
        return "./" if self.name == ALL_TIME else f"./?period={self.name}"


_LINKS = (
    PeriodLink(ALL_TIME, "All time", "", ""),
    PeriodLink("daily", "Today", "today", "day"),
    PeriodLink("weekly", "This week", "this week", "week"),
    PeriodLink("monthly", "This month", "this month", "month"),
)


@dataclass(frozen=True)
class PeriodChoice:
    """The chosen link, and its period as it is now. Iterating yields all links."""

    link: PeriodLink
    period: Period

    def __iter__(self) -> Iterator[PeriodLink]:
        return iter(_LINKS)


def choose(name: str, now: datetime) -> PeriodChoice | None:
    """Return the choice of the open period with this name; None for any other text, such as the id of a period."""
    for link in _LINKS:
        if link.name == name:
            return PeriodChoice(link, periods.current(name, now))
    return None
