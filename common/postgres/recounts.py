"""Recounts: standings are set to what the ledger says they are.

A verification recounts from the ledger's checkpoint and the rows after it, for it trusts both. A correction changes
what counts among rows that the checkpoint has included long ago, so it recounts the standings that these rows belong
to from all ledger rows of their players, and the checkpoint's totals with them.

A standing in which nothing counts any more is emptied, not deleted: it is hidden under a greater version, so that a
projection of what it was cannot bring it back, and what counts in it next fills it (`parts.merge`).
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from common.domain.pagination import Position
from common.domain.standing import Hidden, StandingKey
from common.postgres import parts, standings

REASONS = """
LEFT JOIN periods p USING (board_id, period_id)
CROSS JOIN LATERAL (SELECT
    CASE WHEN u.suspended_at IS NULL THEN 0 ELSE 1 END
    + CASE WHEN u.visibility = 'unlisted' AND p.closed_at IS NULL THEN 2 ELSE 0 END
    + CASE WHEN EXISTS (
        SELECT FROM disqualifications d
        WHERE (d.board_id, d.user_id) = (due.board_id, due.user_id)
            AND (p.closed_at IS NULL OR d.amends OR p.closed_at >= d.at)
    ) THEN 16 ELSE 0 END AS reasons
) why
"""
"""Why a row of `due` and `users u` is hidden if it begins now, as `standings.hidden_for` has it."""

SET = f"""
INSERT INTO standings AS s
    (board_id, period_id, user_id, score, tie, version, updated_at, hidden, hidden_for, second, decided_at)
SELECT board_id, period_id, user_id, score, tie, 1, due.updated_at, why.reasons <> 0, why.reasons, second, decided_at
FROM due JOIN users u ON u.id = due.user_id {REASONS.strip()}
ORDER BY board_id, period_id, user_id
ON CONFLICT (board_id, period_id, user_id) DO UPDATE
SET score = excluded.score, tie = excluded.tie, version = s.version + 1, updated_at = excluded.updated_at,
    second = excluded.second, decided_at = excluded.decided_at, {parts.FILL}
WHERE (s.score, s.tie, s.second, s.decided_at)
    IS DISTINCT FROM (excluded.score, excluded.tie, excluded.second, excluded.decided_at)
    OR {standings.IS_EMPTY.format(row="s")}
"""  # noqa: S608 - built from constants
"""The rows of `due` become the standings. Those that are right already are not written."""

_IS_EMPTY = standings.IS_EMPTY.format(row="s")
_EMPTY = f"""
UPDATE standings s
SET score = 0, tie = 0, second = 0, decided_at = NULL, updated_at = 'epoch', version = s.version + 1, hidden = true,
    hidden_for = {standings.REASONS} | {int(Hidden.EMPTY)}
FROM due_or_not d
WHERE (s.board_id, s.period_id, s.user_id) = (d.board_id, d.period_id, d.user_id) AND d.tie IS NULL AND NOT {_IS_EMPTY}
"""  # noqa: S608 - built from constants

_KEYS = "user_id, board_id, period_id"
# One row for each standing, as a join would have it: PostgreSQL takes each side for a row, and would compare all.
_OR_NOT = f"""
SELECT {_KEYS}, max(score) AS score, max(second) AS second, max(tie) AS tie
FROM (
    SELECT {_KEYS}, score, second, tie FROM {{parts}} UNION ALL SELECT {_KEYS}, NULL, NULL, NULL FROM touched
) AS sides
GROUP BY {_KEYS}
"""  # noqa: S608 - built from constants
_EVENTS = "(SELECT * FROM score_events WHERE id = ANY(CAST(:events AS bigint[])))"
# Step by step: PostgreSQL takes a player for one of few rows, and would read all of them once for each standing.
_DUE = f"""
WITH touched AS MATERIALIZED (
    {parts.TOUCHED.format(rows=_EVENTS)}
),
of_players AS MATERIALIZED (SELECT * FROM score_events WHERE user_id = ANY(CAST(:users AS uuid[]))),
parts AS MATERIALIZED ({parts.COUNTED.format(rows="of_players")}),
counted AS MATERIALIZED (SELECT p.* FROM parts p JOIN touched USING ({_KEYS})),
due AS MATERIALIZED ({parts.ADDED.format(parts="counted")} UNION ALL ({parts.KEPT.format(parts="counted")})),
due_or_not AS MATERIALIZED ({_OR_NOT.format(parts="due")})
"""  # noqa: S608 - built from constants
# A row that is not there is as an empty one, which is 0 in everything.
_MOVED = f"""
SELECT d.board_id, d.period_id, d.user_id::text, s.hidden AND s.hidden_for <> {int(Hidden.EMPTY)} AS hidden,
       s.score AS score_before, s.second AS second_before, nullif(s.tie, 0) AS tie_before,
       d.score AS score_after, d.second AS second_after, d.tie AS tie_after
FROM due_or_not d LEFT JOIN standings s USING ({_KEYS})
WHERE (coalesce(d.score, 0), coalesce(d.second, 0), coalesce(d.tie, 0))
    <> (coalesce(s.score, 0), coalesce(s.second, 0), coalesce(s.tie, 0))
ORDER BY 1, 2, 3
"""  # noqa: S608 - built from constants
_MEMORY = text("SET LOCAL work_mem = '64MB'")
_PREVIEW = text(f"{_DUE} {_MOVED}")
_RECOUNT = text(f"""
{_DUE},
included AS MATERIALIZED (SELECT * FROM counted WHERE tie <= :checkpoint),
totals AS MATERIALIZED ({parts.ADDED.format(parts="included")} UNION ALL ({parts.KEPT.format(parts="included")})),
totals_set AS (
    INSERT INTO ledger_totals AS t ({_KEYS}, score, tie, updated_at, second, decided_at)
    SELECT {_KEYS}, score, tie, updated_at, second, decided_at FROM totals
    ON CONFLICT ({_KEYS}) DO UPDATE
    SET score = excluded.score, tie = excluded.tie, updated_at = excluded.updated_at, second = excluded.second,
        decided_at = excluded.decided_at
),
totals_gone AS (
    DELETE FROM ledger_totals g USING ({_OR_NOT.format(parts="totals")}) AS t
    WHERE (g.user_id, g.board_id, g.period_id) = (t.user_id, t.board_id, t.period_id) AND t.tie IS NULL
),
standings_set AS ({SET}),
standings_emptied AS ({_EMPTY})
{_MOVED}
""")  # noqa: S608 - built from constants


class Moved(NamedTuple):
    """A standing that a correction changes: its score, second score and tiebreaker before and after.

    None stands for one in which nothing counts. `is_hidden`: it is on no board anyway.
    """

    key: StandingKey
    before: Position | None
    after: Position | None
    is_hidden: bool


def preview(connection: Connection, user_ids: Collection[str], event_ids: Sequence[int]) -> list[Moved]:
    """Return what `recount` would change."""
    connection.execute(_MEMORY)
    return _moved(connection.execute(_PREVIEW, {"users": list(user_ids), "events": list(event_ids)}))


def recount(
    connection: Connection, user_ids: Collection[str], event_ids: Sequence[int], checkpoint: int
) -> list[Moved]:
    """Set the standings to which these ledger rows belong to what the ledger says, and return those that changed.

    The totals of the ledger up to the `checkpoint` are set with them. All rows are of these players. The caller holds
    the checkpoint and the ledger. Raises IntegrityError for a score beyond what is exact.
    """
    values = {"users": list(user_ids), "events": list(event_ids), "checkpoint": checkpoint}
    connection.execute(_MEMORY)
    return _moved(connection.execute(_RECOUNT, values))


def _moved(rows: Iterable[Row[Any]]) -> list[Moved]:
    return [
        Moved(
            StandingKey(row.board_id, row.period_id, row.user_id),
            None if row.tie_before is None else Position(row.score_before, row.tie_before, row.second_before),
            None if row.tie_after is None else Position(row.score_after, row.tie_after, row.second_after),
            bool(row.hidden),
        )
        for row in rows
    ]
