"""The race of those who lead a board: their ways through the stored snapshots, up to where they are now."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine

from common.core.timestamps import from_milliseconds
from common.domain.entries import BoardHead, Entry
from common.domain.shown import Viewer
from common.postgres import races
from common.services.leaderboard import Leaderboard
from common.services.single_flight import SingleFlight


class Runner(NamedTuple):
    """A player with the instants and scores of their way, the oldest first."""

    entry: Entry
    points: Sequence[tuple[datetime, int]]


class Races:
    """Reads races. Those who ask for the same one at the same time share a read."""

    def __init__(self, leaderboard: Leaderboard, engine: Engine) -> None:
        self._leaderboard = leaderboard
        self._engine = engine
        self._reads = SingleFlight[list[Runner]]()

    def race(
        self, board_id: str, period_id: str, players: int, most_points: int, viewer: Viewer = Viewer.ANYBODY
    ) -> list[Runner]:
        """Return those who lead the board now, as this viewer may see them, each with at most `most_points` points.

        The last point of each is the score of now. Raises what reading a board raises.
        """
        which = (board_id, period_id, players, most_points)
        runners = self._reads.get(which, lambda: self._read(*which))
        return [
            runner._replace(entry=self._leaderboard.shown_entry(board_id, runner.entry, viewer)) for runner in runners
        ]

    def _read(self, board_id: str, period_id: str, players: int, most_points: int) -> list[Runner]:
        head = self._leaderboard.stored_top(board_id, period_id, players)
        user_ids = [entry.user_id for entry in head.entries]
        with self._engine.connect() as connection:
            points = races.points(connection, board_id, period_id, user_ids, most_points - 1) if user_ids else {}
        return [Runner(entry, _up_to_now(points.get(entry.user_id, ()), entry, head)) for entry in head.entries]


def _up_to_now(points: Sequence[tuple[datetime, int]], entry: Entry, head: BoardHead) -> Sequence[tuple[datetime, int]]:
    """Return the points with the score of now behind them, unless the board has not moved since the last one."""
    now = from_milliseconds(head.at)
    return points if points and now <= points[-1][0] else [*points, (now, entry.score)]
