"""Counting what happened before an achievement was made, player by player, beside the service.

Live updates count above the ledger row at which it was made (`since_event`), and this below it, so their order does not
matter: steps are added up on both sides. Each slice of players is one transaction with its cursor:

1. Hold the ledger's checkpoint, share the ledger's lock, and claim the achievement.
2. Move the cursor behind the next players; from then on `step_counts.COUNTED` has their rows.
3. Add their steps, also to the checkpoint's totals, or look at their standings, and unlock what is reached.

Once nobody is left, the rows below are among those that count, and there is no cursor any more.

Achievements of final ranks go period by period instead, and have nothing to do with the ledger
(`common/postgres/placement_unlocks.py`).
"""

from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from common.domain.achievements import Unlock
from common.domain.standing import Hidden
from common.postgres import checkpoint, ledger, period_sql, placement_unlocks, standings, step_counts, unlocks

_KEYS = "user_id, achievement_id, scope"
_OFF = int(Hidden.SUSPENDED | Hidden.EMPTY | Hidden.DISQUALIFIED)
"""Who is hidden for one of these reasons reaches nothing on the board."""

_DUE = text("SELECT id FROM achievements WHERE fill_below IS NOT NULL AND enabled ORDER BY id")
_CLAIM = text("""
SELECT id, kind, fill_below, fill_after::text FROM achievements WHERE id = :id AND fill_below IS NOT NULL AND enabled
FOR NO KEY UPDATE
""")
_KIND = text("SELECT kind FROM achievements WHERE id = :id")
_PLAYERS = text("SELECT id::text FROM users WHERE id > CAST(:after AS uuid) ORDER BY id LIMIT :limit")
_MOVE = text("UPDATE achievements SET fill_after = CAST(:to AS uuid) WHERE id = :id")
_END = text("""
UPDATE achievements
SET counts = CASE WHEN kind = 'count' THEN counts + int8multirange(int8range(NULL, fill_below, '(]')) ELSE counts END,
    fill_below = NULL, fill_after = NULL
WHERE id = :id
""")
_NOW = "date_trunc('milliseconds', now())"
_FILL_STEPS = text(f"""
WITH of_players AS MATERIALIZED (
    SELECT * FROM score_events WHERE user_id = ANY(CAST(:users AS uuid[])) AND id <= :below
),
counted AS ({step_counts.COUNTED.format(rows="of_players")}),
added AS MATERIALIZED (
    SELECT {_KEYS}, count(*) AS steps, count(*) FILTER (WHERE id <= :checkpoint) AS included
    FROM counted WHERE achievement_id = :id GROUP BY {_KEYS}
),
goal AS (SELECT goal FROM achievements WHERE id = :id),
totals AS (
    INSERT INTO step_totals AS t ({_KEYS}, steps)
    SELECT {_KEYS}, included FROM added WHERE included > 0 ORDER BY {_KEYS}
    ON CONFLICT ({_KEYS}) DO UPDATE SET steps = t.steps + excluded.steps
),
moved AS (
    INSERT INTO achievement_steps AS s ({_KEYS}, steps)
    SELECT {_KEYS}, LEAST((SELECT goal FROM goal), steps) FROM added ORDER BY {_KEYS}
    ON CONFLICT ({_KEYS}) DO UPDATE SET steps = LEAST((SELECT goal FROM goal), s.steps + excluded.steps)
        WHERE s.steps < (SELECT goal FROM goal)
    RETURNING {_KEYS}, steps
),
reached AS (
    SELECT user_id AS u, achievement_id AS a, scope AS p, CAST(NULL AS bigint) AS e
    FROM moved WHERE steps >= (SELECT goal FROM goal)
)
{unlocks.INSERT.format(at=_NOW, reached="(SELECT * FROM reached)")}
""")  # noqa: S608 - built from constants
_FILL_SCORES = text(f"""
WITH reached AS (
    SELECT s.user_id AS u, a.id AS a, CASE WHEN a.repeats IS NULL THEN '' ELSE s.period_id END AS p,
           CAST(NULL AS bigint) AS e
    FROM achievements a JOIN boards b ON b.id = a.board_id
    JOIN standings s ON s.board_id = a.board_id AND s.user_id = ANY(CAST(:users AS uuid[]))
    WHERE a.id = :id AND ({standings.REASONS}) & {_OFF} = 0
        AND {period_sql.KIND.format(id="s.period_id")} = coalesce(a.period, 'all')
        AND CASE WHEN b.ascending THEN s.score <= a.reach ELSE s.score >= a.reach END
)
{unlocks.INSERT.format(at=_NOW, reached="(SELECT * FROM reached)")}
""")  # noqa: S608 - built from constants


class Slice(NamedTuple):
    """What a slice came to: how many players it filled in, none if nobody was left, and what they unlocked.

    A slice of final ranks is one period, and `players` is 1.
    """

    players: int
    unlocked: list[Unlock]


def due(connection: Connection) -> list[str]:
    """Return the ids of the achievements that are to be filled."""
    return list(connection.scalars(_DUE))


def fill(connection: Connection, achievement_id: str, players: int) -> Slice:
    """Fill an achievement for up to so many further players, or for one period. Safe to run twice, and beside itself.

    Raises OperationalError if the checkpoint cannot be had within a second.
    """
    if connection.scalar(_KIND, {"id": achievement_id}) == "placement":
        unlocked = placement_unlocks.fill_next(connection, achievement_id)
        return Slice(0, []) if unlocked is None else Slice(1, unlocked)
    included = checkpoint.hold(connection)
    ledger.lock_shared(connection)
    claimed = connection.execute(_CLAIM, {"id": achievement_id}).one_or_none()
    if claimed is None:
        return Slice(0, [])
    values = {"after": claimed.fill_after, "limit": players}
    user_ids = list(connection.scalars(_PLAYERS, values))
    if not user_ids:
        connection.execute(_END, {"id": achievement_id})
        return Slice(0, [])
    connection.execute(_MOVE, {"id": achievement_id, "to": user_ids[-1]})
    return Slice(len(user_ids), _filled(connection, claimed, user_ids, included))


def _filled(connection: Connection, claimed: Row[Any], user_ids: list[str], included: int) -> list[Unlock]:
    values = {"id": claimed.id, "users": user_ids}
    if claimed.kind == "count":
        steps = {**values, "below": claimed.fill_below, "checkpoint": included}
        return unlocks.from_rows(connection.execute(_FILL_STEPS, steps))
    return unlocks.from_rows(connection.execute(_FILL_SCORES, values))
