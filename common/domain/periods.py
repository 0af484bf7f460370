"""Calendar periods of a board, in UTC: all time, the day, the ISO week and the month.

A board may have seasons beside them (`common/domain/seasons.py`). Only the board knows when one begins and ends.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from common.contract.constants import ALL_TIME, PERIOD_NAMES, SEASON, SEASON_PREFIX

_FORMS = {
    "daily": re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII),
    "weekly": re.compile(r"\d{4}-W\d{2}", re.ASCII),
    "monthly": re.compile(r"\d{4}-\d{2}", re.ASCII),
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

END_OF_TIME = datetime.max.replace(tzinfo=UTC)
"""The end of the last periods that a date can name."""


@dataclass(frozen=True)
class Period:
    """A half-open span of time `[starts_at, ends_at)`; both are None for all time."""

    id: str
    starts_at: datetime | None
    ends_at: datetime | None


class PeriodIds(NamedTuple):
    """The ids of the four periods that an instant belongs to."""

    all_time: str
    daily: str
    weekly: str
    monthly: str


def ids_at(instant: datetime) -> PeriodIds:
    """Return only the ids of the periods of an instant, which workers need by the thousand."""
    return _ids_in_hour(int(instant.timestamp() // 3600))


def ids_of(names: tuple[str, ...], instant: datetime) -> tuple[str, ...]:
    """Return the ids of the periods of an instant that have these names of the calendar, in their order."""
    ids = ids_at(instant)
    if len(names) == len(PERIOD_NAMES):
        return ids
    return tuple(period_id for name, period_id in zip(PERIOD_NAMES, ids, strict=True) if name in names)


@lru_cache(maxsize=256)
def _ids_in_hour(hour: int) -> PeriodIds:
    """Return the ids of the periods of an hour, counted from 1970: no period begins within one."""
    day = (_EPOCH + timedelta(hours=hour)).date()
    year, week, _ = day.isocalendar()
    iso_day = day.isoformat()
    return PeriodIds(ALL_TIME, iso_day, f"{year:04}-W{week:02}", iso_day[:7])


def current(name: str, now: datetime) -> Period:
    """Return the period called `name`, one of `PERIOD_NAMES`, that is open at `now`."""
    return parse(ids_at(now)[PERIOD_NAMES.index(name)])


def resolve(name_or_id: str, now: datetime) -> Period:
    """Return a period of the calendar by name (the open one) or by id. Raises ValueError if none can be it."""
    return current(name_or_id, now) if name_or_id in PERIOD_NAMES else parse(name_or_id)


def parse(period_id: str) -> Period:
    """Return the period of the calendar with this id. Raises ValueError if no such period can exist."""
    if period_id == ALL_TIME:
        return Period(ALL_TIME, None, None)
    for name, form in _FORMS.items():
        if form.fullmatch(period_id):
            start, end = _span(name, period_id)
            return Period(period_id, start, end)
    raise ValueError(f"no period has the id {period_id!r}")


def name_of(period_id: str) -> str:
    """Return the kind of period that an id is of: one of `PERIOD_NAMES`, or `SEASON`. Raises ValueError."""
    if period_id == ALL_TIME:
        return ALL_TIME
    if period_id.startswith(SEASON_PREFIX):
        return SEASON
    for name, form in _FORMS.items():
        if form.fullmatch(period_id):
            return name
    raise ValueError(f"no period has the id {period_id!r}")


def open_at(now: datetime) -> Iterator[Period]:
    """Yield every period of the calendar that an update accepted at this instant belongs to."""
    return map(parse, ids_at(now))


def _span(name: str, period_id: str) -> tuple[datetime, datetime]:
    if name == "daily":
        start = datetime.strptime(period_id, "%Y-%m-%d").replace(tzinfo=UTC)
        return start, _after(start, 1)
    if name == "weekly":
        year, week = int(period_id[:4]), int(period_id[6:])
        monday = datetime.combine(datetime.fromisocalendar(year, week, 1), time(), UTC)
        return monday, _after(monday, 7)
    first = datetime.strptime(period_id, "%Y-%m").replace(tzinfo=UTC)
    next_month = _after(first, 31)
    return first, next_month if next_month == END_OF_TIME else next_month.replace(day=1)


def _after(start: datetime, days: int) -> datetime:
    try:
        return start + timedelta(days=days)
    except OverflowError:
        return END_OF_TIME
