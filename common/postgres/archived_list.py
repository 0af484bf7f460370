"""The periods that are archived, with the space that they take."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

_LIST = text("""
SELECT p.board_id, p.period_id, p.archived_at, coalesce(a.places, 0)::bigint,
       (coalesce(a.size, 0) + coalesce(i.size, 0))::bigint AS size
FROM periods p
CROSS JOIN LATERAL (
    SELECT sum(rows) AS places, sum(octet_length(data)) AS size FROM archives
    WHERE (board_id, period_id) = (p.board_id, p.period_id)
) AS a
CROSS JOIN LATERAL (
    SELECT sum(octet_length(data)) AS size FROM archived_players
    WHERE (board_id, period_id) = (p.board_id, p.period_id)
) AS i
WHERE p.archived_at IS NOT NULL AND (CAST(:board AS text) IS NULL OR p.board_id = :board)
ORDER BY p.ends_at, p.board_id
""")


class ArchivedPeriod(NamedTuple):
    """An archived period: how many places it has, hidden ones too, and how many bytes these take."""

    board_id: str
    period_id: str
    archived_at: datetime
    places: int
    size: int


def read(connection: Connection, board_id: str | None) -> Sequence[ArchivedPeriod]:
    """Return the archived periods of a board or of all, the oldest first."""
    return [ArchivedPeriod(*row) for row in connection.execute(_LIST, {"board": board_id})]
