"""Steps towards achievements, and unlocks: what a player has unlocked, once in each scope.

The primary key of `unlocks` says that it happens once, in the transaction that causes it. Rows are locked in the order
of (user, achievement, scope): of steps first, then of unlocks.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from common.domain.achievements import StepKey, Steps, Unlock
from common.postgres import prepared
from common.postgres.arrays import plain_array, text_array

MOST_TOLD = 1000
"""The most unlocks of a player that are told at once; there are many more only where achievements repeat."""

COLUMNS = "user_id::text, achievement_id, scope, (extract(epoch FROM unlocked_at) * 1000)::bigint AS unlocked_at"
"""The columns of which `from_rows` makes unlocks."""

INSERT = f"""
INSERT INTO unlocks (user_id, achievement_id, scope, event_id, unlocked_at)
SELECT u, a, p, e, {{at}} FROM {{reached}} AS reached ORDER BY u, a, p
ON CONFLICT (user_id, achievement_id, scope) DO NOTHING
RETURNING {COLUMNS}
"""  # noqa: S608 - built from constants
"""Unlocks what `{reached}` has as (u, a, p, e), at the instant `{at}`, and returns what was not unlocked before."""

_GOAL = "(SELECT goal FROM achievements WHERE id = s.achievement_id)"
# Whoever is at the goal stays there for as long as batches share the ledger's lock, so their rows need no lock.
_RECORD = prepared.Statement(
    f"""
    WITH sent AS (
        SELECT * FROM unnest(%(users)s, %(achievements)s, %(scopes)s, %(counts)s, %(goals)s, %(events)s)
            AS sent(u, a, p, n, goal, e)
    ),
    moved AS (
        INSERT INTO achievement_steps AS s (user_id, achievement_id, scope, steps)
        SELECT u, a, p, LEAST(goal, n) FROM sent
        WHERE NOT EXISTS (
            SELECT FROM achievement_steps k
            WHERE (k.user_id, k.achievement_id, k.scope) = (sent.u, sent.a, sent.p) AND k.steps >= sent.goal OFFSET 0
        )
        ORDER BY u, a, p
        ON CONFLICT (user_id, achievement_id, scope)
            DO UPDATE SET steps = LEAST({_GOAL}, s.steps + excluded.steps) WHERE s.steps < {_GOAL}
        RETURNING user_id, achievement_id, scope, steps
    ),
    reached AS (
        SELECT u, a, p, e FROM moved JOIN sent ON (u, a, p) = (moved.user_id, moved.achievement_id, moved.scope)
        WHERE moved.steps >= sent.goal
        UNION ALL
        SELECT * FROM unnest(%(reached_users)s, %(reached)s, %(reached_scopes)s, %(reached_events)s)
    )
    {INSERT.format(at="%(at)s", reached="(SELECT u, a, p, e FROM reached)")}
    """,  # noqa: S608 - built from constants
    {
        **{"users": "uuid[]", "achievements": "text[]", "scopes": "text[]", "counts": "bigint[]", "goals": "bigint[]"},
        **{"events": "bigint[]", "reached_users": "uuid[]", "reached": "text[]", "reached_scopes": "text[]"},
        **{"reached_events": "bigint[]", "at": "timestamptz"},
    },
)
_OF_EVENTS = text(f"""
SELECT {COLUMNS} FROM unnest(CAST(:events AS bigint[])) AS sent(id)
CROSS JOIN LATERAL (SELECT * FROM unlocks WHERE event_id = sent.id OFFSET 0) AS found
""")  # noqa: S608 - built from constants
_OF_PLAYER = text(f"""
SELECT {COLUMNS} FROM unlocks WHERE user_id = CAST(:user AS uuid)
ORDER BY unlocks.unlocked_at DESC, achievement_id DESC, scope DESC LIMIT :most
""")  # noqa: S608 - built from constants
_ACHIEVED = text("""
SELECT user_id::text, achievement_id FROM unlocks WHERE user_id = ANY(CAST(:users AS uuid[]))
GROUP BY user_id, achievement_id ORDER BY min(unlocked_at), achievement_id
""")
_AMONG = text(f"""
SELECT {COLUMNS} FROM unlocks JOIN unnest(
    CAST(:users AS uuid[]), CAST(:achievements AS text[]), CAST(:scopes AS text[])
) AS sent(u, a, p) ON (user_id, achievement_id, scope) = (u, a, p)
""")  # noqa: S608 - built from constants
_STEPS_OF = text("""
SELECT achievement_id, scope, steps FROM achievement_steps WHERE user_id = CAST(:user AS uuid)
ORDER BY achievement_id, scope
""")
_REVOKE = text("""
WITH gone AS (
    DELETE FROM unlocks
    WHERE user_id = CAST(:user AS uuid) AND achievement_id = :achievement
        AND (CAST(:scope AS text) IS NULL OR scope = :scope)
    RETURNING user_id, achievement_id, scope
),
steps AS (
    UPDATE achievement_steps s SET steps = 0, since_event = (SELECT coalesce(max(id), 0) FROM score_events)
    FROM gone WHERE (s.user_id, s.achievement_id, s.scope) = (gone.user_id, gone.achievement_id, gone.scope)
),
totals AS (
    UPDATE step_totals t SET steps = 0
    FROM gone WHERE (t.user_id, t.achievement_id, t.scope) = (gone.user_id, gone.achievement_id, gone.scope)
)
SELECT count(*) FROM gone
""")
_GRANT = text("""
INSERT INTO achievement_steps AS s (user_id, achievement_id, scope, steps)
SELECT u, a, p, n
FROM unnest(CAST(:users AS uuid[]), CAST(:achievements AS text[]), CAST(:scopes AS text[]), CAST(:counts AS bigint[]))
    AS sent(u, a, p, n)
ORDER BY u, a, p
ON CONFLICT (user_id, achievement_id, scope) DO UPDATE SET steps = excluded.steps WHERE s.steps < excluded.steps
RETURNING user_id::text, achievement_id, scope
""")
_ADD = text(
    INSERT.format(
        at=":at",
        reached="""(
            SELECT u, a, p, CAST(NULL AS bigint) AS e
            FROM unnest(CAST(:users AS uuid[]), CAST(:achievements AS text[]), CAST(:scopes AS text[])) AS sent(u, a, p)
        )""",
    )
)


def record(
    connection: Connection, steps: Mapping[StepKey, Steps], reached: Mapping[StepKey, int], at: datetime
) -> list[Unlock]:
    """Add the steps of a batch, and return what it unlocks, with what is `reached` by scores.

    `reached` has the ledger row by which each was. Raises NotPreparedError.
    """
    if not steps and not reached:
        return []
    counts, goals, events = zip(*steps.values(), strict=True) if steps else ((), (), ())
    values = {
        **_keys(steps, "users", "achievements", "scopes"),
        "counts": plain_array(map(str, counts)),
        "goals": plain_array(map(str, goals)),
        "events": plain_array(map(str, events)),
        **_keys(reached, "reached_users", "reached", "reached_scopes"),
        "reached_events": plain_array(map(str, reached.values())),
        "at": at,
    }
    return from_rows(prepared.run(connection, _RECORD, values))


def of_events(connection: Connection, event_ids: Sequence[int]) -> list[Unlock]:
    """Return what these ledger rows have unlocked, in whatever batch they were recorded."""
    return from_rows(connection.execute(_OF_EVENTS, {"events": list(event_ids)}))


def of_player(connection: Connection, user_id: str) -> list[Unlock]:
    """Return what a player has unlocked, the oldest first; of more than `MOST_TOLD` the newest."""
    return from_rows(connection.execute(_OF_PLAYER, {"user": user_id, "most": MOST_TOLD}))[::-1]


def achieved(connection: Connection, user_ids: Collection[str]) -> dict[str, list[str]]:
    """Return the ids of the achievements that each of these players has, in whatever scope, the first one first."""
    found: dict[str, list[str]] = {user_id: [] for user_id in user_ids}
    for row in connection.execute(_ACHIEVED, {"users": list(user_ids)}):
        found[row.user_id].append(row.achievement_id)
    return found


def among(connection: Connection, keys: Collection[StepKey]) -> list[Unlock]:
    """Return those of these that are unlocked."""
    if not keys:
        return []
    return from_rows(connection.execute(_AMONG, _keys(keys, "users", "achievements", "scopes")))


def steps_of(connection: Connection, user_id: str) -> dict[tuple[str, str], int]:
    """Return the steps of a player by (achievement id, scope)."""
    rows = connection.execute(_STEPS_OF, {"user": user_id})
    return {(row.achievement_id, row.scope): row.steps for row in rows}


def add(connection: Connection, keys: Collection[StepKey], at: datetime) -> list[Unlock]:
    """Unlock what no update unlocks, and return what was not unlocked before. Safe to run twice."""
    if not keys:
        return []
    return from_rows(connection.execute(_ADD, {**_keys(keys, "users", "achievements", "scopes"), "at": at}))


def grant(connection: Connection, steps: Mapping[StepKey, Steps], at: datetime) -> tuple[list[Unlock], set[StepKey]]:
    """Let players have at least so many steps, and return what that unlocks, and where there were fewer before.

    Safe to repeat. `steps` has no more of them than their goals.
    """
    if not steps:
        return [], set()
    counts = plain_array(str(each.taken) for each in steps.values())
    values = {**_keys(steps, "users", "achievements", "scopes"), "counts": counts}
    moved = {StepKey(*row) for row in connection.execute(_GRANT, values)}
    return add(connection, [key for key, each in steps.items() if each.taken >= each.goal], at), moved


def revoke(connection: Connection, user_id: str, achievement_id: str, scope: str | None) -> int:
    """Take back what a player has unlocked, in one scope or in all, and return in how many it was.

    Steps begin at 0 again, with what is recorded next. The caller holds the checkpoint and the ledger.
    """
    values = {"user": user_id, "achievement": achievement_id, "scope": scope}
    return int(connection.execute(_REVOKE, values).scalar_one())


def from_rows(rows: Iterable[Sequence[Any]]) -> list[Unlock]:
    """Return the unlocks in rows of `COLUMNS`."""
    return [Unlock(*row) for row in rows]


def _keys(keys: Collection[StepKey], users: str, achievements: str, scopes: str) -> dict[str, str]:
    """Return keys as three array literals of these names."""
    user_ids, ids, of_scopes = zip(*keys, strict=True) if keys else ((), (), ())
    return {users: plain_array(user_ids), achievements: text_array(ids), scopes: text_array(of_scopes)}
