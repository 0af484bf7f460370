"""Counting steps towards achievements from the ledger again: for the checkpoint, the verification and corrections.

A batch adds the steps of its updates to `achievement_steps`, up to the goal (`common/postgres/unlocks.py`). `COUNTED`
says which ledger rows these are, whatever happened since, so both can be compared; one test holds them equal. As with
standings, what the ledger's checkpoint has included is added up once, in `step_totals`, and not read again.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from common.domain.achievements import StepKey, Unlock
from common.postgres import period_sql, unlocks

_KEYS = "user_id, achievement_id, scope"

_SCOPE = f"""CROSS JOIN LATERAL (SELECT CASE a.repeats
    WHEN 'daily' THEN {period_sql.DAY.format(at="e.accepted_at")}
    WHEN 'weekly' THEN {period_sql.WEEK.format(at="e.accepted_at")}
    WHEN 'monthly' THEN {period_sql.MONTH.format(at="e.accepted_at")}
    WHEN 'season' THEN {period_sql.SEASON.format(board="a.board_id", at="e.accepted_at")}
    ELSE '' END AS scope
) AS p"""
"""The scope `p.scope` of a step by the ledger row `e` towards the achievement `a`, as `Achievement.scope_at` has it.

It is null where the row is no step, since no season was open.
"""

COUNTED = f"""
SELECT e.id, e.user_id, a.id AS achievement_id, p.scope
FROM {{rows}} e
JOIN (SELECT *, unnest(actions) AS action_id FROM achievements WHERE kind = 'count') a ON a.action_id = e.action_id
{_SCOPE}
LEFT JOIN achievement_steps s ON (s.user_id, s.achievement_id, s.scope) = (e.user_id, a.id, p.scope)
WHERE e.refusal IS NULL AND p.scope IS NOT NULL
    AND (a.counts @> e.id OR (e.id <= a.fill_below AND e.user_id <= a.fill_after))
    AND e.id > coalesce(s.since_event, 0) AND NOT EXISTS (SELECT FROM voids v WHERE v.event_id = e.id)
"""  # noqa: S608 - built from constants
"""Each ledger row of `{rows}` with each achievement towards which it is a step, and the scope of that.

It is one if it was recorded while the achievement counted, or if it was before that and its player has been filled in;
if it is not void; and if it came after the achievement was last revoked.
"""

_HAS_ANY = text("SELECT EXISTS (SELECT FROM achievements WHERE kind = 'count')")
_INCLUDE = text(f"""
WITH chunk AS MATERIALIZED (SELECT * FROM score_events WHERE id > :after AND id <= :to),
counted AS ({COUNTED.format(rows="chunk")})
INSERT INTO step_totals AS t ({_KEYS}, steps)
SELECT {_KEYS}, count(*) FROM counted GROUP BY {_KEYS} ORDER BY {_KEYS}
ON CONFLICT ({_KEYS}) DO UPDATE SET steps = t.steps + excluded.steps
""")  # noqa: S608 - built from constants

_DUE = f"""
WITH tail AS MATERIALIZED (SELECT * FROM score_events WHERE id > :after AND id <= :to),
of_players AS (SELECT * FROM tail WHERE user_id = ANY(CAST(:users AS uuid[]))),
counted AS ({COUNTED.format(rows="of_players")}),
sides AS (
    SELECT {_KEYS}, steps FROM step_totals WHERE user_id = ANY(CAST(:users AS uuid[]))
    UNION ALL
    SELECT {_KEYS}, count(*) FROM counted GROUP BY {_KEYS}
),
due AS (
    SELECT {_KEYS}, LEAST(min(a.goal), sum(sides.steps))::bigint AS steps
    FROM sides JOIN achievements a ON a.id = sides.achievement_id GROUP BY {_KEYS}
),
found AS (
    SELECT s.* FROM achievement_steps s JOIN achievements a ON a.id = s.achievement_id
    WHERE a.kind = 'count' AND s.user_id = ANY(CAST(:users AS uuid[]))
)
"""  # noqa: S608 - built from constants
_DRIFTS = text(f"""
{_DUE}
SELECT user_id::text, achievement_id, scope, coalesce(due.steps, 0) AS expected, coalesce(found.steps, 0) AS found
FROM due FULL JOIN found USING ({_KEYS})
WHERE coalesce(due.steps, 0) <> coalesce(found.steps, 0) ORDER BY 1, 2, 3
""")  # noqa: S608 - built from constants
_REPAIR = text(f"""
{_DUE},
steps_set AS (
    INSERT INTO achievement_steps AS s ({_KEYS}, steps)
    SELECT {_KEYS}, coalesce(due.steps, 0) FROM due FULL JOIN found USING ({_KEYS})
    WHERE coalesce(due.steps, 0) <> coalesce(found.steps, 0) ORDER BY {_KEYS}
    ON CONFLICT ({_KEYS}) DO UPDATE SET steps = excluded.steps
),
reached AS (
    SELECT user_id AS u, achievement_id AS a, scope AS p, CAST(NULL AS bigint) AS e
    FROM due JOIN achievements a ON a.id = due.achievement_id WHERE a.enabled AND due.steps >= a.goal
)
{unlocks.INSERT.format(at="date_trunc('milliseconds', now())", reached="(SELECT * FROM reached)")}
""")  # noqa: S608 - built from constants

# Whoever is at the goal has unlocked it, unless a correction has just brought them there.
_RECOUNT = text(f"""
WITH chosen AS (SELECT * FROM score_events WHERE id = ANY(CAST(:events AS bigint[]))),
touched AS MATERIALIZED (
    SELECT DISTINCT e.user_id, a.id AS achievement_id, p.scope, a.goal, a.enabled
    FROM chosen e
    JOIN achievements a ON a.kind = 'count' AND e.action_id = ANY(a.actions)
    {_SCOPE}
    WHERE p.scope IS NOT NULL
),
of_players AS MATERIALIZED (SELECT * FROM score_events WHERE user_id = ANY(CAST(:users AS uuid[]))),
counted AS MATERIALIZED ({COUNTED.format(rows="of_players")}),
due AS MATERIALIZED (
    SELECT t.user_id, t.achievement_id, t.scope, t.goal, t.enabled,
           count(c.id) AS steps, count(c.id) FILTER (WHERE c.id <= :checkpoint) AS included
    FROM touched t LEFT JOIN counted c USING ({_KEYS}) GROUP BY 1, 2, 3, 4, 5
),
totals_set AS (
    INSERT INTO step_totals AS t ({_KEYS}, steps) SELECT {_KEYS}, included FROM due ORDER BY {_KEYS}
    ON CONFLICT ({_KEYS}) DO UPDATE SET steps = excluded.steps WHERE t.steps <> excluded.steps
),
steps_set AS (
    INSERT INTO achievement_steps AS s ({_KEYS}, steps) SELECT {_KEYS}, LEAST(goal, steps) FROM due ORDER BY {_KEYS}
    ON CONFLICT ({_KEYS}) DO UPDATE SET steps = excluded.steps WHERE s.steps <> excluded.steps
),
reached AS (
    SELECT user_id AS u, achievement_id AS a, scope AS p, CAST(NULL AS bigint) AS e
    FROM due WHERE enabled AND steps >= goal
)
{unlocks.INSERT.format(at="date_trunc('milliseconds', now())", reached="(SELECT * FROM reached)")}
""")  # noqa: S608 - built from constants


class StepDrift(NamedTuple):
    """Steps that differ from what the ledger says."""

    key: StepKey
    expected: int
    found: int


def has_any(connection: Connection) -> bool:
    """Return whether there are achievements that count uses; without one nothing here need be asked."""
    return bool(connection.scalar(_HAS_ANY))


def include(connection: Connection, after: int, to: int) -> None:
    """Add the steps in ledger rows between two ids, the first left out, to the totals. Once for each row."""
    if has_any(connection):
        connection.execute(_INCLUDE, {"after": after, "to": to})


def drifts(connection: Connection, user_ids: Collection[str], after: int, to: int) -> list[StepDrift]:
    """Return the steps of these players that differ from the totals up to the id `after` and the rows up to `to`."""
    if not has_any(connection):
        return []
    rows = connection.execute(_DRIFTS, {"users": list(user_ids), "after": after, "to": to})
    return [StepDrift(StepKey(row[0], row[1], row[2]), row.expected, row.found) for row in rows]


def repair(connection: Connection, user_ids: Collection[str], after: int, to: int) -> None:
    """Set the steps of these players to what the same rows say, and unlock what they are enough for.

    The caller holds the checkpoint and the ledger.
    """
    if has_any(connection):
        connection.execute(_REPAIR, {"users": list(user_ids), "after": after, "to": to})


def recount(
    connection: Connection, user_ids: Collection[str], event_ids: Sequence[int], checkpoint: int
) -> list[Unlock]:
    """Set the steps to which these ledger rows belong to what the ledger says, and the totals up to the checkpoint.

    All rows are of these players. The caller holds the checkpoint and the ledger. What is unlocked stays; what is
    unlocked by a row that counts again is returned.
    """
    if not has_any(connection):
        return []
    values = {"users": list(user_ids), "events": list(event_ids), "checkpoint": checkpoint}
    return unlocks.from_rows(connection.execute(_RECOUNT, values))
