"""The views of history: the stored snapshots of a board."""

from datetime import datetime

from flask import Blueprint, Response, jsonify

from common.contract.board_responses import SnapshotPage, SnapshotSummary, StoredSnapshot
from common.contract.errors import ErrorCode, ScoreboardError
from common.contract.requests import SnapshotsQuery
from common.core.timestamps import format_instant
from common.postgres import snapshots
from common.postgres.snapshots import Snapshot
from web.api.boards import asked_period
from web.api.paging import paged, position_in
from web.api.parsing import query_as
from web.guards import board_access, limits
from web.guards.access import by_visibility
from web.reference.documented import ResponseDoc, documented
from web.services import services

blueprint = Blueprint("snapshots", __name__, url_prefix="/api/scores/snapshots")

_NO_SNAPSHOT = "There is no such snapshot."


@blueprint.get("")
@documented(
    "listSnapshots",
    "List the snapshots of a board",
    query=SnapshotsQuery,
    answers=[ResponseDoc(200, "Snapshots, the newest first.", SnapshotPage)],
    errors=[ErrorCode.UNKNOWN_BOARD, ErrorCode.NO_SEASON, ErrorCode.INVALID_CURSOR],
)
@by_visibility
@limits.per_api_key
def listing() -> Response:
    query = query_as(SnapshotsQuery)
    period = asked_period(query)
    scope = f"snapshots {query.board} {period.id}"
    position = position_in(query.cursor, scope)
    before = (datetime.fromisoformat(str(position[0])), int(position[1])) if position else None
    with services().engine.connect() as connection:
        page = snapshots.page(connection, query.board, period.id, query.limit + 1, before)
    shown, next_cursor = paged(page, query.limit, scope, lambda last: [last.taken_at.isoformat(), last.id])
    body: SnapshotPage = {"snapshots": [_summary(snapshot) for snapshot in shown], "nextCursor": next_cursor}
    return jsonify(body)


@blueprint.get("/<snapshot_id>")
@documented(
    "readSnapshot",
    "Read a snapshot",
    answers=[ResponseDoc(200, "The board as it was.", StoredSnapshot)],
    errors=[ErrorCode.NOT_FOUND],
)
@by_visibility
@limits.per_api_key
def one(snapshot_id: str) -> Response:
    found = None
    if snapshot_id.isascii() and snapshot_id.isdigit() and len(snapshot_id) < len(str(2**63)):
        with services().engine.connect() as connection:
            found = snapshots.find(connection, int(snapshot_id))
    if found is None:
        raise ScoreboardError(ErrorCode.NOT_FOUND, _NO_SNAPSHOT)
    snapshot, entries = found
    board_access.board_or_not_found(services().catalogue.current().boards, snapshot.board_id, _NO_SNAPSHOT)
    shown = services().leaderboard.shown(snapshot.board_id, entries)
    body: StoredSnapshot = {**_summary(snapshot), "entries": [entry.to_wire() for entry in shown]}
    return jsonify(body)


def _summary(snapshot: Snapshot) -> SnapshotSummary:
    return {
        "id": str(snapshot.id),
        "board": snapshot.board_id,
        "period": snapshot.period_id,
        "takenAt": format_instant(snapshot.taken_at),
        "total": snapshot.total,
    }
