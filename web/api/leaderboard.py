"""The views that read: pages of a board, and one player's place on it."""

from flask import Blueprint, Response, jsonify

from common.contract.board_responses import FoundEntries, LeaderboardPage, PlaceOnBoard, PlayerBoards, PlayerPlace
from common.contract.errors import ErrorCode, ScoreboardError
from common.contract.requests import BoardQuery, LeaderboardQuery, LookupRequest, PlayerBoardsQuery
from common.domain.entries import Entry
from common.domain.permissions import Scope
from common.domain.shown import Viewer
from common.domain.standing import BoardId
from common.postgres import identities
from web import board_pages, found_players
from web.api import past_boards, seen_players
from web.api.boards import asked, asked_boards, asked_period, parsed_user_id
from web.api.parsing import body_as, query_as
from web.guards import access, limits
from web.guards.access import by_visibility, public_or_by_api_key
from web.guards.api_keys import api_key
from web.guards.scopes import is_by_api_key
from web.reference.documented import ResponseDoc, documented
from web.revalidation import is_current, private, private_if_asked_by_name, revalidated
from web.services import services

blueprint = Blueprint("leaderboard", __name__, url_prefix="/api/scores")


@blueprint.get("/leaderboard")
@documented(
    "readLeaderboard",
    "Read a page of a board",
    description="A cursor names a place in the order: nobody is skipped or shown twice because others move. It is "
    "refused once its period is over. `around` centres on a player by the id on the board; of one who is not ranked "
    "the list is empty. `aroundScore` centres on the place of somebody who reaches that score now, and `would` tells "
    "their rank. `at` shows the board as it was, by the newest stored snapshot of then or before: up to 100 rows, and "
    "a period by its name is the one that was open then. `movement` tells how many places each player has gained since "
    "yesterday. An admin's access token, or an API key of the scope `read`, shows who everybody is.",
    query=LeaderboardQuery,
    headers=["If-None-Match"],
    answers=[
        ResponseDoc(200, "Rows of one instant.", LeaderboardPage, headers=["ETag", "Cache-Control"]),
        ResponseDoc(304, "The board has not moved.", headers=["ETag", "Cache-Control"]),
    ],
    errors=[
        ErrorCode.UNKNOWN_BOARD,
        ErrorCode.NO_SEASON,
        ErrorCode.INVALID_CURSOR,
        ErrorCode.NOT_FOUND,
        ErrorCode.NO_HISTORY,
        ErrorCode.REBUILDING,
    ],
)
@by_visibility
@limits.per_api_key
def leaderboard() -> Response:
    query = query_as(LeaderboardQuery)
    if query.at:
        return past_boards.as_of(query, query.at)
    board, period = is_about = asked(query)
    secret_keys = services().settings.secret_keys
    which = board_pages.selection_of(query, period, secret_keys)
    viewer = access.viewer()
    if query.movement:
        past_boards.require_marks(is_about)
    page = services().leaderboard.page(board.id, period.id, query.limit, which, viewer)
    if query.movement:
        return past_boards.with_movement(query, is_about, page, which, viewer)
    if viewer is Viewer.INSIDER:
        told = private(jsonify(board_pages.body_of(page, query, period, which, secret_keys)))
        told.set_etag(f"{page.rows.version}-insider")
        return told
    is_known = is_current(page.rows.version)
    answer = Response() if is_known else jsonify(board_pages.body_of(page, query, period, which, secret_keys))
    return revalidated(answer, page.rows.version, is_private=is_about.is_private)


@blueprint.get("/user/<user_id>")
@documented(
    "readPlayer",
    "Read where a player stands",
    description="A known user who has not scored has 0 points, no rank and no instant. A player who is not named is "
    "found by nobody but themselves, admins, and API keys of the scope `read`.",
    query=BoardQuery,
    answers=[ResponseDoc(200, "The player's place.", PlayerPlace)],
    errors=[ErrorCode.UNKNOWN_BOARD, ErrorCode.NO_SEASON, ErrorCode.NOT_FOUND, ErrorCode.REBUILDING],
)
@by_visibility
@limits.per_api_key
def user(user_id: str) -> Response:
    user_id = parsed_user_id(user_id)
    query = query_as(BoardQuery)
    place = seen_players.place(query.board, asked_period(query).id, user_id)
    told = jsonify(board_pages.body_of_place(place))
    return private_if_asked_by_name(told)


@blueprint.get("/user/<user_id>/boards")
@documented(
    "readPlayerBoards",
    "Read where a player stands on every board",
    description="The boards on which the player is ranked in this period, of those that the caller may see. A player "
    "who is not named is found by nobody but themselves, admins, and API keys of the scope `read`.",
    query=PlayerBoardsQuery,
    answers=[ResponseDoc(200, "The player's places.", PlayerBoards)],
    errors=[ErrorCode.NOT_FOUND, ErrorCode.REBUILDING],
)
@by_visibility
@limits.per_api_key
def boards_of_user(user_id: str) -> Response:
    user_id = parsed_user_id(user_id)
    boards = asked_boards(query_as(PlayerBoardsQuery))
    viewer = seen_players.viewer_of(user_id)
    places = services().leaderboard.places_of(user_id, boards, viewer)
    if not places:
        seen_players.require(user_id)
    body: PlayerBoards = {
        "boards": [_on_board(board, place.entry, place.total) for board, place in sorted(places.items()) if place.entry]
    }
    told = jsonify(body)
    return private_if_asked_by_name(told)


@blueprint.post("/lookup")
@documented(
    "lookUpPlayers",
    "Look for some players on a board",
    description="The view of friends: up to 100 players, all of one instant. `position` is the place among them. By "
    "`userIds` anybody may ask; `externalIds` are those of the realm of an API key of the scope `read`. Only such a "
    "key, admins and the player find one who is not named.",
    body=LookupRequest,
    headers=["X-Signature"],
    answers=[ResponseDoc(200, "Those who are on the board, and those who are not.", FoundEntries)],
    errors=[ErrorCode.UNKNOWN_BOARD, ErrorCode.NO_SEASON, ErrorCode.REBUILDING],
)
@public_or_by_api_key(Scope.READ)
@limits.per_api_key
def lookup() -> Response:
    sought = body_as(LookupRequest)
    period = asked_period(sought)
    user_ids = _user_ids_of(sought)
    known = {user_id for user_id in user_ids.values() if user_id} | {found_players.NOBODY}
    caller = next(filter(access.is_caller, known), None)
    places = services().leaderboard.places(sought.board, period.id, sorted(known), access.viewer(), caller)
    return jsonify(found_players.told(user_ids, places, by_external_id=sought.external_ids is not None))


def _user_ids_of(sought: LookupRequest) -> dict[str, str | None]:
    """Return the user id of each id that is asked for, in their order; None for an external id that nobody has."""
    if sought.user_ids is not None:
        return {user_id: user_id.lower() for user_id in sought.user_ids}
    if not is_by_api_key():
        raise ScoreboardError(ErrorCode.API_KEY_INVALID, "externalIds are looked up with an API key.")
    external_ids = sought.external_ids or []
    with services().engine.connect() as connection:
        found = identities.find(connection, api_key().realm, external_ids)
    return {external_id: found.get(external_id) for external_id in external_ids}


def _on_board(board: BoardId, entry: Entry, total: int) -> PlaceOnBoard:
    return {"board": board[0], "period": board[1], "score": entry.score, "rank": entry.rank, "total": total}
