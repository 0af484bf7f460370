"""Ends the streams of a board that not everybody may see any more; who still may opens a new one, and is asked who."""

import gevent
import structlog
from sqlalchemy.exc import SQLAlchemyError

from common.domain.boards import Visibility
from common.postgres.catalogue import CatalogueCache
from web.live.hub import Hub

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0

_STRICTNESS = (Visibility.PUBLIC, Visibility.PLAYERS, Visibility.HIDDEN)


class BoardWatch:
    """Watches the boards of which a hub has viewers."""

    def __init__(self, hub: Hub, catalogue: CatalogueCache) -> None:
        self._hub = hub
        self._catalogue = catalogue
        self._seen: dict[str, Visibility] = {}

    def check_boards(self) -> None:
        """Wait for a second, and end the streams of boards that have become stricter."""
        gevent.sleep(POLL_SECONDS)
        try:
            boards = self._catalogue.current().boards
        except SQLAlchemyError:
            return
        watched = {group.watch.board_id for group in self._hub.watched()}
        now = {board_id: boards[board_id].visibility for board_id in watched if board_id in boards}
        for board_id, visibility in now.items():
            before = self._seen.get(board_id, visibility)
            if _STRICTNESS.index(visibility) > _STRICTNESS.index(before):
                log.info("board_streams_ended", board=board_id)
                self._hub.end_board(board_id)
        self._seen = now
