"""The whole ledger in order, a page at a time, for programs that follow it.

Rows become visible out of order: an id is drawn before its transaction commits, and a transaction of greater ids may
commit first. So a page ends at an id below which nothing can appear any more (`checkpoint.find_stable_id`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text


class TailEvent(NamedTuple):
    """A recorded update. `boards` are those on which it counts, but for a void: `voided_at` says since when."""

    id: int
    user_id: str
    action_id: str
    action_version: int | None
    idempotency_key: str
    points: int
    second: int
    refusal: str | None
    source: str | None
    occurred_at: datetime
    accepted_at: datetime
    recorded_at: datetime
    boards: Sequence[str]
    voided_at: datetime | None
    void_reason: str | None


_PAGE = text("""
SELECT e.id, e.user_id::text, e.action_id, e.action_version, e.idempotency_key, e.points, e.second, e.refusal, e.source,
    e.occurred_at, e.accepted_at, e.recorded_at,
    ARRAY(
        SELECT board FROM unnest(a.boards) AS board
        WHERE e.refusal IS NULL AND board <> ALL(coalesce(e.left_out, '{}'))
    ) AS boards, v.at AS voided_at, v.reason AS void_reason
FROM (SELECT * FROM score_events WHERE id > :after AND id <= :until ORDER BY id LIMIT :limit) e
LEFT JOIN actions a ON (a.id, a.version) = (e.action_id, e.action_version)
LEFT JOIN voids v ON v.event_id = e.id
ORDER BY e.id
""")


def page(connection: Connection, after: int, until: int, limit: int) -> list[TailEvent]:
    """Return the first `limit` ledger rows after an id, and none behind `until`."""
    values = {"after": after, "until": until, "limit": limit}
    return [TailEvent(*row) for row in connection.execute(_PAGE, values)]
