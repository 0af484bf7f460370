"""What the catalogue says of boards that are watched: who may see them, and which season they have.

The streams of a board that not everybody may see any more are ended; who still may opens a new one, and is asked who.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import gevent
import structlog
from sqlalchemy.exc import SQLAlchemyError

from common.domain.boards import Board
from common.domain.seasons import Season, names_a_season
from common.postgres.catalogue import CatalogueCache
from web.live.group import Group
from web.live.hub import Hub

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0


def season_of(board: Board, period: str, now: datetime) -> Season | None:
    """Return the season that viewers of this period are told of.

    It is the one that they watch, or else the one that is open; None if there is none.
    """
    return board.season_named(period, now) if names_a_season(period) else board.season_at(now)


class BoardWatch:
    """Watches the boards of which a hub has viewers."""

    def __init__(self, hub: Hub, catalogue: CatalogueCache, expect_season: Callable[[], None] = lambda: None) -> None:
        self._hub = hub
        self._expect_season = expect_season
        self._catalogue = catalogue

    def check_boards(self) -> None:
        """Wait for a second, end the streams of boards that have become stricter, and note their seasons."""
        gevent.sleep(POLL_SECONDS)
        self.look()

    def look(self) -> None:
        """End the streams of boards that are stricter now than when one of their viewers was admitted.

        Of the others it is noted which season they have, and the feed tells of it. What counts is what was known of
        the board when a viewer was admitted, so a change at any later instant is found, also one between that decision
        and the handshake.
        """
        try:
            boards = self._catalogue.current().boards
        except SQLAlchemyError:
            return
        now = datetime.now(UTC)
        for group in self._hub.watched():
            board = boards.get(group.watch.board_id)
            if board is None:
                continue
            self._note_season(group, season_of(board, group.watch.period, now))
            if board.visibility.is_stricter_than(group.admitted_while):
                log.info("board_streams_ended", board=board.id)
                self._hub.end_group(group)

    def _note_season(self, group: Group, season: Season | None) -> None:
        """Whoever watches `season` is shown the one that is over until the next one begins."""
        if season is None and names_a_season(group.watch.period):
            return
        group.season_now = season
        if group.has_other_season:
            self._expect_season()
