"""The copy of their data that a player can ask for, from one snapshot of the database."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from common.postgres import standings

MOST_EVENTS = 50_000

_SESSIONS = text("""
SELECT id::text, created_at, expires_at, revoked_at FROM sessions
WHERE user_id = CAST(:user AS uuid) ORDER BY created_at
""")
_IDENTITIES = text("""
SELECT realm, external_id, created_at FROM identities WHERE user_id = CAST(:user AS uuid) ORDER BY realm, external_id
""")
_EVENTS = text("""
SELECT e.id, e.action_id, e.idempotency_key, e.points, e.refusal, e.occurred_at, e.accepted_at, e.recorded_at,
       v.at AS void_at, v.reason AS void_reason
FROM score_events e LEFT JOIN voids v ON v.event_id = e.id
WHERE e.user_id = CAST(:user AS uuid) ORDER BY e.id LIMIT :most
""")
_STANDINGS = text(f"""
SELECT board_id, period_id, score, updated_at, hidden FROM standings s
WHERE user_id = CAST(:user AS uuid) AND NOT {standings.IS_EMPTY.format(row="s")} ORDER BY board_id, period_id
""")  # noqa: S608 - built from constants

_MARKS = text("""
SELECT board_id, day, at, score, rank, total FROM day_marks WHERE user_id = CAST(:user AS uuid) ORDER BY board_id, day
""")


_UNLOCKS = text("""
SELECT achievement_id, scope, unlocked_at FROM unlocks
WHERE user_id = CAST(:user AS uuid) ORDER BY unlocked_at, achievement_id, scope
""")
_STEPS = text("""
SELECT achievement_id, scope, steps FROM achievement_steps
WHERE user_id = CAST(:user AS uuid) ORDER BY achievement_id, scope
""")
_QUERIES = (_SESSIONS, _IDENTITIES, _EVENTS, _STANDINGS, _UNLOCKS, _STEPS, _MARKS)


class OwnData(NamedTuple):
    """Rows of a player. There are more events if `events` has more than `MOST_EVENTS`."""

    sessions: list[Row[Any]]
    identities: list[Row[Any]]
    events: list[Row[Any]]
    standings: list[Row[Any]]
    unlocks: list[Row[Any]]
    steps: list[Row[Any]]
    marks: list[Row[Any]]


def read(connection: Connection, user_id: str) -> OwnData:
    """Return the data of a player. For data of one instant the transaction must be REPEATABLE READ."""
    values = {"user": user_id, "most": MOST_EVENTS + 1}
    return OwnData(*(list(connection.execute(query, values)) for query in _QUERIES))
