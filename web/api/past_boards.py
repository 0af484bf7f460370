"""A board as it was, and how its players have moved since: what `at` and `movement` add to reading a board."""

from datetime import UTC, datetime, timedelta
from typing import cast

from flask import Response, jsonify

from common.contract.board_responses import Entry as EntryOnTheWire
from common.contract.board_responses import LeaderboardPage
from common.contract.constants import ALL_TIME
from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.contract.requests import LeaderboardQuery
from common.core.timestamps import format_instant
from common.domain.pagination import Page, Selection
from common.domain.shown import Viewer
from common.postgres import day_marks, snapshots
from web import board_pages
from web.api.boards import Asked, asked
from web.guards import access
from web.revalidation import by_content
from web.services import services


def as_of(query: LeaderboardQuery, instant: datetime) -> Response:
    """Return the answer of the newest stored snapshot that was taken at this instant or before.

    Raises `validation_failed` for the future and for what goes with no snapshot, `not_found` if there is none so old.
    """
    _refuse_what_has_no_past(query)
    if instant > datetime.now(UTC):
        raise invalid_field("at", "must not be in the future")
    is_about = asked(query, instant)
    board, period = is_about.board, is_about.period
    with services().engine.connect() as connection:
        snapshot = snapshots.newest_at(connection, board.id, period.id, instant)
        found = snapshots.find(connection, snapshot.id) if snapshot else None
    if found is None:  # it may have been thinned between the two reads
        raise ScoreboardError(ErrorCode.NOT_FOUND, "No snapshot of this board and period is so old.")
    snapshot, entries = found
    viewer = access.viewer()
    shown = services().leaderboard.shown(board.id, entries[: query.limit], viewer)
    body: LeaderboardPage = {
        "board": board.id,
        "period": period.id,
        "periodEndsAt": format_instant(period.ends_at) if period.ends_at else None,
        "entries": [entry.to_wire() for entry in shown],
        "total": snapshot.total,
        "nextCursor": None,
        "previousCursor": None,
        "version": f"snapshot:{snapshot.id}",
        "asOf": format_instant(snapshot.taken_at),
        "snapshotId": str(snapshot.id),
    }
    return _answer(body, is_about, viewer)


def require_marks(is_about: Asked) -> None:
    """Raise what is wrong with asking for movement on this board and period: `validation_failed`, or `no_history`."""
    if is_about.period.id != ALL_TIME:
        raise invalid_field("movement", "is told of the period `all` alone")
    if not day_marks.has_marks(is_about.board):
        raise ScoreboardError(ErrorCode.NO_HISTORY)


def with_movement(query: LeaderboardQuery, is_about: Asked, page: Page, which: Selection, viewer: Viewer) -> Response:
    """Return the answer of a page whose entries tell how many places they have gained since yesterday (UTC).

    Nobody's movement is told who is not named: their entries have ids that have no marks.
    """
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    user_ids = [entry.user_id for entry in page.rows.entries]
    with services().engine.connect() as connection:
        ranks = day_marks.ranks_on(connection, is_about.board.id, yesterday, user_ids) if user_ids else {}
    body = board_pages.body_of(page, query, is_about.period, which, services().settings.secret_keys)
    body["entries"] = [_moved(entry, ranks.get(entry["userId"])) for entry in body["entries"]]
    return _answer(body, is_about, viewer)


def _moved(entry: EntryOnTheWire, rank_before: int | None) -> EntryOnTheWire:
    moved = None if rank_before is None else rank_before - entry["rank"]
    return cast(EntryOnTheWire, {**entry, "moved": moved})  # mypy lets no row with optional fields grow


def _answer(body: LeaderboardPage, is_about: Asked, viewer: Viewer) -> Response:
    return by_content(jsonify(body), is_private=is_about.is_private, is_kept=viewer is not Viewer.INSIDER)


def _refuse_what_has_no_past(query: LeaderboardQuery) -> None:
    elsewhere = {
        "cursor": query.cursor,
        "around": query.around,
        "aroundScore": query.around_score,
        "movement": query.movement,
    }
    for name, given in elsewhere.items():
        if given is not None:
            raise invalid_field(name, "goes with no at")
