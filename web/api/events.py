"""The view of a player's updates: for the player, for admins, and for API keys of the scope `read`."""

from flask import Blueprint, Response, jsonify

from common.contract.errors import ErrorCode, ScoreboardError
from common.contract.requests import EventsQuery
from common.contract.responses import PlayerEvent as EventOnTheWire
from common.contract.responses import PlayerEvents
from common.core.timestamps import format_instant
from common.domain.boards import Visibility
from common.domain.permissions import Scope
from common.postgres import identities, player_events, users
from common.postgres.player_events import PlayerEvent, Wanted
from web.api.boards import parsed_user_id
from web.api.paging import paged, position_in
from web.api.parsing import query_as
from web.guards import limits
from web.guards.access import authenticated_or_by_api_key, identity, is_admin
from web.guards.api_keys import api_key
from web.guards.board_access import unknown
from web.guards.scopes import is_by_api_key
from web.reference.documented import ResponseDoc, documented
from web.services import services

blueprint = Blueprint("events", __name__, url_prefix="/api/scores/user")


@blueprint.get("/<user_id>/events")
@documented(
    "listPlayerEvents",
    "Read the updates of a player",
    description="The player's own, with an access token; anybody's for admins, and for an API key those of players "
    "whom it may name. It is what explains a score: each update with what it was worth, where it counts, and why not. "
    "Of a hidden board players are told nothing.",
    query=EventsQuery,
    headers=["X-Signature"],
    answers=[ResponseDoc(200, "Updates, the newest first.", PlayerEvents)],
    errors=[ErrorCode.UNKNOWN_BOARD, ErrorCode.INVALID_CURSOR, ErrorCode.USER_MISMATCH, ErrorCode.NOT_FOUND],
)
@authenticated_or_by_api_key(Scope.READ)
@limits.per_api_key
def listing(user_id: str) -> Response:
    query = query_as(EventsQuery)
    of_user, is_insider = _whose(parsed_user_id(user_id))
    seen = None if is_insider else _boards_of_players()
    if query.board is not None and query.board not in (_boards() if seen is None else seen):
        raise unknown(query.board)
    scope = f"events {of_user} {query.board or ''} {query.since or ''} {query.until or ''}"
    position = position_in(query.cursor, scope)
    before = int(position[0]) if position else None
    wanted = Wanted(of_user, query.board, query.since, query.until, before, seen)
    with services().engine.connect() as connection:
        page = player_events.page(connection, wanted, query.limit + 1)
    shown, next_cursor = paged(page, query.limit, scope, lambda event: [event.id])
    body: PlayerEvents = {
        "events": [_on_the_wire(event, is_insider=is_insider) for event in shown],
        "nextCursor": next_cursor,
    }
    return jsonify(body)


def _whose(user_id: str) -> tuple[str, bool]:
    """Return the user whose updates the caller may read, and whether the caller may know of every board."""
    if is_by_api_key():
        with services().engine.connect() as connection:
            is_known = user_id in identities.find_nameable(connection, api_key().permissions.realm, [user_id])
    elif is_admin(identity().user_id):
        with services().engine.connect() as connection:
            is_known = users.find(connection, user_id) is not None
    elif user_id == identity().user_id:
        return user_id, False
    else:
        raise ScoreboardError(ErrorCode.USER_MISMATCH)
    if not is_known:
        raise ScoreboardError(ErrorCode.NOT_FOUND, "There is no such user.")
    return user_id, True


def _boards() -> frozenset[str]:
    return frozenset(services().catalogue.current().boards)


def _boards_of_players() -> frozenset[str]:
    boards = services().catalogue.current().boards.values()
    return frozenset(board.id for board in boards if board.visibility is not Visibility.HIDDEN)


def _on_the_wire(event: PlayerEvent, *, is_insider: bool) -> EventOnTheWire:
    told: EventOnTheWire = {
        "eventId": str(event.id),
        "actionId": event.action_id,
        "points": event.points,
        "second": event.second,
        "acceptedAt": format_instant(event.accepted_at),
        "occurredAt": format_instant(event.occurred_at),
        "boards": list(event.boards),
        "refusal": ErrorCode(event.refusal) if event.refusal else None,
        "void": {"at": format_instant(event.voided_at), "reason": event.void_reason or ""} if event.voided_at else None,
    }
    if is_insider:
        told["source"] = event.source
    return told
