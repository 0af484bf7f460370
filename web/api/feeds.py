"""The view of the feeds that CTFtime reads. Pages of any origin may read them, too."""

from datetime import UTC, datetime

from flask import Blueprint, Response

from common.contract.board_responses import CtftimeFeed
from common.contract.errors import SENTENCES, ErrorCode, ScoreboardError
from common.domain.boards import Visibility
from common.services.ctftime import FRESH_SECONDS
from web.guards import limits
from web.guards.access import public
from web.reference.documented import ResponseDoc, documented
from web.revalidation import revalidated
from web.services import services

blueprint = Blueprint("feeds", __name__, url_prefix="/feeds")


@blueprint.get("/ctftime/<board_id>.json")
@documented(
    "readCtftimeFeed",
    "Read a board as CTFtime does",
    description="The whole board in its longest period, in the least form of CTFtime's scoreboard feed, at most half a "
    "minute old. Only public boards have one, of up to 5,000 rows. `pos` is the position in the one total order.",
    headers=["If-None-Match"],
    answers=[
        ResponseDoc(200, "The board.", CtftimeFeed, headers=["ETag", "Cache-Control", "Access-Control-Allow-Origin"]),
        ResponseDoc(304, "It is the same.", headers=["ETag", "Cache-Control", "Access-Control-Allow-Origin"]),
    ],
    errors=[ErrorCode.NOT_FOUND, ErrorCode.TOO_LARGE, ErrorCode.DEPENDENCY_UNAVAILABLE],
)
@public
@limits.per_address_feeds
def ctftime(board_id: str) -> Response:
    board = services().catalogue.knowing(board_id).boards.get(board_id)
    if board is None or board.visibility is not Visibility.PUBLIC:
        raise ScoreboardError(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.UNKNOWN_BOARD])
    feed = services().ctftime_feeds.get((board.id, board.longest_period_at(datetime.now(UTC))))
    answer = revalidated(Response(feed.body, mimetype="application/json"), feed.etag)
    answer.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS:.0f}"
    return answer


@blueprint.after_request
def let_any_page_read(response: Response) -> Response:
    """Allow pages of every origin: there is nothing in a feed that depends on who asks."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
