"""Ends the streams of a board that not everybody may see any more; who still may opens a new one, and is asked who."""

import gevent
import structlog
from sqlalchemy.exc import SQLAlchemyError

from common.postgres.catalogue import CatalogueCache
from web.live.hub import Hub

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0


class BoardWatch:
    """Watches the boards of which a hub has viewers."""

    def __init__(self, hub: Hub, catalogue: CatalogueCache) -> None:
        self._hub = hub
        self._catalogue = catalogue

    def check_boards(self) -> None:
        """Wait for a second, and end the streams of boards that have become stricter."""
        gevent.sleep(POLL_SECONDS)
        self.look()

    def look(self) -> None:
        """End the streams of boards that are stricter now than when one of their viewers was admitted.

        What counts is what was known of the board when that was decided, so a change at any later instant is found,
        also one between the decision and the handshake.
        """
        try:
            boards = self._catalogue.current().boards
        except SQLAlchemyError:
            return
        for group in self._hub.watched():
            board = boards.get(group.watch.board_id)
            if board and board.visibility.is_stricter_than(group.admitted_while):
                log.info("board_streams_ended", board=board.id)
                self._hub.end_group(group)
