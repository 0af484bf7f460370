"""The page of a player, at `/p/…`: a shell without data, which its script fills with what the API tells the visitor.

The shell is the same for every player, so it tells nobody whether there is one of this id, or what they are called. No
search engine shall list it.
"""

from datetime import UTC, datetime
from typing import NamedTuple

import structlog
from flask import Blueprint, make_response, render_template
from werkzeug.wrappers import Response

from common.contract.constants import DEFAULT_BOARD
from common.contract.fields import is_uuid
from common.domain.boards import listed
from common.postgres import day_marks
from web.guards.access import public
from web.pages.home import UNAVAILABLE, nothing_here
from web.pages.page_headers import as_page
from web.pages.score_text import name_of
from web.services import services

log = structlog.get_logger(__name__)

blueprint = Blueprint("player_page", __name__)


class BoardName(NamedTuple):
    """A board as the page names it, how its scores are written, and whether it keeps a history of players."""

    id: str
    title: str
    format: str
    has_history: bool


@blueprint.get("/p/<user_id>")
@public
def player(user_id: str) -> Response:
    """Show the shell."""
    if not is_uuid(user_id.lower()):
        return nothing_here("There is no such player")
    page = render_template("player.html", boards=_boards(), default_board=DEFAULT_BOARD)
    response = as_page(make_response(page))
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _boards() -> list[BoardName]:
    """Return the boards that are listed; none while they cannot be read: the page then names boards by their ids."""
    try:
        boards = listed(services().catalogue.current().boards.values(), datetime.now(UTC))
    except UNAVAILABLE as error:
        log.warning("page_without_boards", error=type(error).__name__)
        return []
    return [
        BoardName(board.id, board.title or board.id, name_of(board.format), day_marks.has_marks(board))
        for board in boards
    ]
