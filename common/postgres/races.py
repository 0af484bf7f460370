"""The ways of some players through the stored snapshots of a board."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

# The span of the snapshots is cut into equal parts of time, and the last snapshot of each part is read: the last of
# all is among them. Which they are, the index alone tells.
_POINTS = text("""
WITH taken AS (
    SELECT taken_at, extract(epoch FROM taken_at)::float8 AS second FROM snapshots
    WHERE board_id = :board AND period_id = :period
),
span AS (SELECT min(second) AS first, max(second) + 1 AS last FROM taken),
chosen AS (
    SELECT max(taken_at) AS taken_at FROM taken, span GROUP BY width_bucket(second, first, last, :most)
)
SELECT s.taken_at, entry ->> 'userId' AS user_id, CAST(entry ->> 'score' AS bigint) AS score
FROM chosen JOIN snapshots s ON (s.board_id, s.period_id, s.taken_at) = (:board, :period, chosen.taken_at)
CROSS JOIN LATERAL jsonb_array_elements(s.entries) AS entry
WHERE entry ->> 'userId' = ANY(:users)
ORDER BY s.taken_at
""")


def points(
    connection: Connection, board_id: str, period_id: str, user_ids: Collection[str], most: int
) -> Mapping[str, Sequence[tuple[datetime, int]]]:
    """Return the instants and scores of each player, the oldest first, from at most `most` snapshots.

    A player has no point of a snapshot that does not have them among its entries.
    """
    values = {"board": board_id, "period": period_id, "users": list(user_ids), "most": most}
    found: defaultdict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for row in connection.execute(_POINTS, values):
        found[row.user_id].append((row.taken_at, row.score))
    return found
