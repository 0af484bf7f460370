"""The updates of one player, the newest first: all that explains a score.

No index has them in this order: a player's rows are found by the player and sorted, and only the best so many are kept
while they are read. Who has very many is bounded by the time that a statement may take.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text


class Wanted(NamedTuple):
    """Which updates are asked for: those accepted from `since` on and before `until`, whose actions feed `board`.

    `before` is the ledger id behind which a page begins. Of boards that are not `seen` nothing is told, nor of updates
    that feed no other; None: all are seen.
    """

    user_id: str
    board: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    seen: Collection[str] | None = None


class PlayerEvent(NamedTuple):
    """A recorded update. `boards` are those on which it counts, but for a void: `voided_at` says since when."""

    id: int
    action_id: str
    points: int
    second: int
    refusal: str | None
    source: str | None
    accepted_at: datetime
    occurred_at: datetime
    boards: Sequence[str]
    voided_at: datetime | None
    void_reason: str | None


# OFFSET 0 keeps the rows of the player a look-up by the index: the planner would read the whole ledger backwards.
_PAGE = text("""
WITH page AS (
    SELECT e.*, a.boards AS of_action
    FROM (SELECT * FROM score_events WHERE user_id = CAST(:user AS uuid) OFFSET 0) e
    LEFT JOIN actions a ON (a.id, a.version) = (e.action_id, e.action_version)
    WHERE (CAST(:before AS bigint) IS NULL OR e.id < :before)
        AND (CAST(:since AS timestamptz) IS NULL OR e.accepted_at >= :since)
        AND (CAST(:until AS timestamptz) IS NULL OR e.accepted_at < :until)
        AND (CAST(:board AS text) IS NULL OR :board = ANY(a.boards))
        AND (CAST(:seen AS text[]) IS NULL OR a.boards IS NULL OR a.boards && CAST(:seen AS text[]))
    ORDER BY e.id DESC LIMIT :limit
)
SELECT page.id, page.action_id, page.points, page.second, page.refusal, page.source, page.accepted_at, page.occurred_at,
    ARRAY(
        SELECT board FROM unnest(page.of_action) AS board
        WHERE page.refusal IS NULL AND board <> ALL(coalesce(page.left_out, '{}'))
            AND (CAST(:seen AS text[]) IS NULL OR board = ANY(CAST(:seen AS text[])))
    ) AS boards, v.at AS voided_at, v.reason AS void_reason
FROM page LEFT JOIN voids v ON v.event_id = page.id
ORDER BY page.id DESC
""")


def page(connection: Connection, wanted: Wanted, limit: int) -> list[PlayerEvent]:
    """Return the newest `limit` of the updates that are wanted."""
    values = {
        "user": wanted.user_id,
        "board": wanted.board,
        "since": wanted.since,
        "until": wanted.until,
        "before": wanted.before,
        "seen": None if wanted.seen is None else list(wanted.seen),
        "limit": limit,
    }
    return [PlayerEvent(*row) for row in connection.execute(_PAGE, values)]
