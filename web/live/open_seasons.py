"""Which season a board has now, for viewers who watch `season`."""

from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from common.postgres.catalogue import CatalogueCache


class OpenSeasons:
    """The open seasons of boards, as this process knows them."""

    def __init__(self, catalogue: CatalogueCache) -> None:
        self._catalogue = catalogue

    def of_board(self, board_id: str, now: datetime) -> str | None:
        """Return the id of the period that is the board's season; None if none is open, or nobody knows."""
        try:
            board = self._catalogue.current().boards.get(board_id)
        except SQLAlchemyError:
            return None
        season = board.season_at(now) if board else None
        return season.period_id if season else None
