"""SQL and Python agree about what the ids of periods say."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text

from common.domain import periods
from common.postgres import period_sql

_KIND = text(f"SELECT {period_sql.KIND.format(id='CAST(:id AS text)')}")
_IDS = text(
    "SELECT " + ", ".join(each.format(at=":at") for each in (period_sql.DAY, period_sql.WEEK, period_sql.MONTH))
)


def test_ids_are_of_the_same_kinds_and_instants_of_the_same_periods(engine: Engine) -> None:
    begin = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
    instants = [begin + timedelta(days=number) for number in range(0, 800, 3)]
    with engine.connect() as connection:
        for instant in instants:
            ids = periods.ids_at(instant)
            assert tuple(connection.execute(_IDS, {"at": instant}).one()) == ids[1:]
        for period_id in {*periods.ids_at(begin), "s-spring", "s-2026", "s-2026-w05", "s-2026-11-23"}:
            assert connection.scalar(_KIND, {"id": period_id}) == periods.name_of(period_id)
