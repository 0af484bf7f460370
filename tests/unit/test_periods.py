"""Calendar periods: ids, bounds, and the edges of days, ISO weeks, months and years."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contract.constants import PERIOD_NAMES
from common.core.timestamps import format_instant
from common.domain import periods

instants = st.datetimes(datetime(1971, 1, 1), datetime(9998, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(instants)
def test_every_instant_lies_within_each_of_its_periods(instant: datetime) -> None:
    for period in periods.open_at(instant):
        if period.starts_at and period.ends_at:
            assert period.starts_at <= instant < period.ends_at


@given(instants)
def test_an_id_gives_its_period_back(instant: datetime) -> None:
    for name in PERIOD_NAMES:
        period = periods.current(name, instant)
        assert periods.parse(period.id) == period


@given(instants)
def test_one_period_ends_where_the_next_begins(instant: datetime) -> None:
    for name in PERIOD_NAMES[1:]:
        period = periods.current(name, instant)
        assert period.ends_at
        assert periods.current(name, period.ends_at).starts_at == period.ends_at


@pytest.mark.parametrize(
    ("day", "week"),
    [("2026-01-01", "2026-W01"), ("2027-01-03", "2026-W53"), ("2024-12-30", "2025-W01"), ("2021-01-03", "2020-W53")],
)
def test_weeks_are_iso_weeks_across_the_turn_of_the_year(day: str, week: str) -> None:
    assert periods.ids_at(datetime.fromisoformat(day).replace(tzinfo=UTC)).weekly == week


def test_the_period_is_that_of_utc_whatever_the_offset() -> None:
    late_in_honolulu = datetime(2026, 11, 22, 20, tzinfo=timezone(timedelta(hours=-10)))
    assert periods.ids_at(late_in_honolulu).daily == "2026-11-23"


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process runs where clocks change."""
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("spring_or_autumn", "day"), [("2026-03-29T00:59:59Z", "2026-03-29"), ("2026-10-25T00:30:00Z", "2026-10-25")]
)
def test_a_day_has_24_hours_also_where_and_when_clocks_change(berlin: None, spring_or_autumn: str, day: str) -> None:
    instant = datetime.fromisoformat(spring_or_autumn)
    for hours in range(24 - instant.hour):
        assert periods.ids_at(instant + timedelta(hours=hours)).daily == day
    period = periods.current("daily", instant)
    assert period.starts_at
    assert period.ends_at
    assert period.ends_at - period.starts_at == timedelta(days=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yearly",
        "2026",
        "2026-13",
        "2026-02-30",
        "2025-W53",
        "2026-W00",
        "0000-01",
        "2026-1-1",
        "2026-11-23 ",
        "\u0662\u0660\u0662\u0666-\u0661\u0661",
    ],
)
def test_an_id_of_no_possible_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        periods.resolve(text, datetime(2026, 11, 23, tzinfo=UTC))


@pytest.mark.parametrize("period_id", ["9999-12-31", "9999-W52", "9999-12"])
def test_the_last_periods_of_the_calendar_end_with_it(period_id: str) -> None:
    assert periods.parse(period_id).ends_at == periods.END_OF_TIME
    assert format_instant(periods.END_OF_TIME) == "9999-12-31T23:59:59.999Z"


def test_names_resolve_to_the_open_periods() -> None:
    now = datetime(2026, 11, 23, 9, 15, tzinfo=UTC)
    resolved = [periods.resolve(name, now).id for name in PERIOD_NAMES]
    assert resolved == ["all", "2026-11-23", "2026-W48", "2026-11"]
