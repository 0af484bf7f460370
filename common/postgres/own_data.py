"""The copy of their data that a player can ask for, from one snapshot of the database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, TextClause, text

from common.postgres import archive_index, archives, people, standings

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
WHERE user_id = CAST(:user AS uuid) AND NOT {standings.IS_EMPTY.format(row="s")}
    AND NOT {archives.IS_ARCHIVED.format(row="s")}
ORDER BY board_id, period_id
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
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class OwnStanding(NamedTuple):
    """What a player has on a board in a period, and whether they are off it."""

    board_id: str
    period_id: str
    score: int
    updated_at: datetime
    hidden: bool


class OwnData(NamedTuple):
    """Rows of a player. There are more events if `events` has more than `MOST_EVENTS`."""

    sessions: list[Row[Any]]
    identities: list[Row[Any]]
    events: list[Row[Any]]
    standings: list[OwnStanding]
    unlocks: list[Row[Any]]
    steps: list[Row[Any]]
    marks: list[Row[Any]]


def read(connection: Connection, user_id: str) -> OwnData:
    """Return the data of a player. For data of one instant the transaction must be REPEATABLE READ."""

    def rows(query: TextClause) -> list[Row[Any]]:
        return list(connection.execute(query, {"user": user_id, "most": MOST_EVENTS + 1}))

    known = [OwnStanding._make(row) for row in rows(_STANDINGS)]
    found = sorted([*known, *_archived(connection, user_id)])
    return OwnData(rows(_SESSIONS), rows(_IDENTITIES), rows(_EVENTS), found, rows(_UNLOCKS), rows(_STEPS), rows(_MARKS))


def _archived(connection: Connection, user_id: str) -> Iterator[OwnStanding]:
    """Yield what a player has in archived periods."""
    places = archive_index.of_player(connection, user_id)
    known = people.find_details(connection, [user_id]) if places else {}
    is_suspended = any(player.is_suspended for player in known.values())
    for found in places:
        row = archive_index.row_of(connection, found, user_id)
        if not row.is_empty:
            updated_at = _EPOCH + timedelta(microseconds=row.updated_at)
            yield OwnStanding(*found.board, row.score, updated_at, row.is_off or is_suspended)
