"""Seasons for tests, also such as nobody can plan any more."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from common.domain.seasons import Season
from common.postgres import catalogue, seasons
from workers.state import WorkerState

BEGIN = datetime(2026, 11, 20, 12, tzinfo=UTC)
END = BEGIN + timedelta(days=3)
SPRING = Season("spring", BEGIN, END, "Spring")


def add_season(worker: WorkerState, season: Season = SPRING, board_id: str = "main") -> Season:
    """Give a board a season, known to this worker at once; the season."""
    with worker.engine.begin() as connection:
        connection.execute(
            text("UPDATE boards SET periods = periods || '{season}' WHERE id = :id AND 'season' <> ALL(periods)"),
            {"id": board_id},
        )
        seasons.write(connection, [(board_id, season)], [])
        catalogue.count_change(connection)
    worker.catalogue.expire()
    return season
