"""Seasons: periods of one board whose begin and end people decide. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from common.contract.constants import SEASON, SEASON_PREFIX
from common.domain.periods import Period


@dataclass(frozen=True)
class Season:
    """A half-open span of time `[starts_at, ends_at)`. Two seasons of a board never overlap."""

    id: str
    starts_at: datetime
    ends_at: datetime
    title: str = ""

    @property
    def period_id(self) -> str:
        return SEASON_PREFIX + self.id

    @property
    def period(self) -> Period:
        return Period(self.period_id, self.starts_at, self.ends_at)

    def includes(self, instant: datetime) -> bool:
        return self.starts_at <= instant < self.ends_at

    def overlaps(self, other: "Season") -> bool:
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def state_at(self, instant: datetime) -> Literal["planned", "open", "over"]:
        if instant < self.starts_at:
            return "planned"
        return "open" if instant < self.ends_at else "over"


def names_a_season(period: str) -> bool:
    """Return whether this name or id of a period is of a season, and not of the calendar."""
    return period == SEASON or period.startswith(SEASON_PREFIX)
