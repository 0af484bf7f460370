"""The views of admins who look: for players, at the state of one, at the API keys and at the audit log."""

from flask import Blueprint, Response, jsonify

from common.contract.errors import ErrorCode, ScoreboardError
from common.contract.requests import AuditQuery, PlayerSearchQuery
from common.contract.responses import AuditEntry, AuditPage, FoundPlayers, ListedKey, ListedKeys, PlayerState
from common.contract.responses import FoundPlayer as FoundOnTheWire
from common.core.timestamps import format_instant
from common.postgres import api_keys, audit, disqualifications, player_search
from common.postgres.api_keys import ApiKey
from common.postgres.audit import AuditRow
from common.postgres.player_search import FoundPlayer, Sought
from web.api.boards import parsed_user_id
from web.api.paging import paged, position_in
from web.api.parsing import query_as
from web.guards.access import admin
from web.reference.documented import ResponseDoc, documented
from web.services import services

blueprint = Blueprint("overview", __name__, url_prefix="/api/admin")


@blueprint.get("/players")
@documented(
    "searchPlayers",
    "Look for players",
    description="By a part of the username or of the display name, by the user id, or by a game's own id. Suspended "
    "players are found, too, and whoever stands on no board.",
    query=PlayerSearchQuery,
    answers=[ResponseDoc(200, "Accounts, in the order of their usernames.", FoundPlayers)],
    errors=[ErrorCode.INVALID_CURSOR],
)
@admin
def players() -> Response:
    query = query_as(PlayerSearchQuery)
    scope = f"players {query.q or ''} {query.external_id or ''} {query.realm or ''}"
    position = position_in(query.cursor, scope)
    after = str(position[0]) if position else None
    with services().engine.connect() as connection:
        sought = Sought(query.q, query.external_id, query.realm, after)
        found = player_search.page(connection, sought, query.limit + 1)
    shown, next_cursor = paged(found, query.limit, scope, lambda player: [player.key])
    body: FoundPlayers = {"players": [_found(player) for player in shown], "nextCursor": next_cursor}
    return jsonify(body)


@blueprint.get("/users/<user_id>")
@documented(
    "readPlayerState",
    "Read the state of a player",
    description="How the account is named and shown, whether it is suspended, and off which boards it is.",
    answers=[ResponseDoc(200, "The account.", PlayerState)],
    errors=[ErrorCode.VALIDATION_FAILED, ErrorCode.NOT_FOUND],
)
@admin
def state(user_id: str) -> Response:
    of_user = parsed_user_id(user_id)
    with services().engine.connect() as connection:
        player = player_search.find(connection, of_user)
        disqualified = disqualifications.list_of(connection, of_user)
    if player is None:
        raise ScoreboardError(ErrorCode.NOT_FOUND, "There is no such user.")
    body: PlayerState = {
        **_found(player),
        "avatar": player.details.avatar,
        "suspendedAt": format_instant(player.suspended_at) if player.suspended_at else None,
        "hasPassword": player.has_password,
        "disqualifications": [
            {"board": each.board_id, "at": format_instant(each.why.at), "actor": each.actor, "reason": each.why.reason}
            for each in disqualified
        ],
    }
    return jsonify(body)


@blueprint.get("/audit")
@documented(
    "listAudit",
    "Read the audit log",
    description="Who changed what, to whom or what, and when.",
    query=AuditQuery,
    answers=[ResponseDoc(200, "Changes, the newest first.", AuditPage)],
    errors=[ErrorCode.INVALID_CURSOR],
)
@admin
def audit_log() -> Response:
    query = query_as(AuditQuery)
    scope = "\n".join(["audit", query.subject or "", query.actor or "", query.action or ""])
    position = position_in(query.cursor, scope)
    before = int(position[0]) if position else None
    wanted = {"subject": query.subject, "actor": query.actor, "action": query.action}
    with services().engine.connect() as connection:
        rows = audit.page(connection, query.limit + 1, before=before, **wanted)
    shown, next_cursor = paged(rows, query.limit, scope, lambda row: [row.id])
    body: AuditPage = {"entries": [_entry(row) for row in shown], "nextCursor": next_cursor}
    return jsonify(body)


@blueprint.get("/keys")
@documented(
    "listKeys",
    "List the API keys",
    description="Without their secrets, which nobody is shown twice. Revoked ones, too.",
    answers=[ResponseDoc(200, "All keys, the oldest first.", ListedKeys)],
)
@admin
def keys() -> Response:
    with services().engine.connect() as connection:
        listed = api_keys.list_all(connection)
    body: ListedKeys = {"keys": [_key(key) for key in listed]}
    return jsonify(body)


def _found(player: FoundPlayer) -> FoundOnTheWire:
    return {
        "userId": player.user_id,
        "username": player.details.username,
        "role": player.role,
        "displayName": player.details.display_name,
        "country": player.details.country,
        "externalIds": [{"realm": each.realm, "externalId": each.external_id} for each in player.identities],
        "visibility": player.details.visibility.value,
        "suspended": player.suspended_at is not None,
        "createdAt": format_instant(player.created_at),
    }


def _entry(row: AuditRow) -> AuditEntry:
    return {
        "id": str(row.id),
        "at": format_instant(row.at),
        "actor": row.actor,
        "action": row.action,
        "subject": row.subject,
        "details": row.details,
    }


def _key(key: ApiKey) -> ListedKey:
    return {
        "keyId": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "realm": key.realm,
        "actions": None if key.actions is None else list(key.actions),
        "createdAt": format_instant(key.created_at),
        "previousUntil": format_instant(key.previous_until) if key.previous_until else None,
        "revokedAt": format_instant(key.revoked_at) if key.revoked_at else None,
    }
