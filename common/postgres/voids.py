"""Voids: ledger rows that count nowhere from now on. No ledger row changes, so a void can be taken back.

A closed period stays as it is unless it is told to change. A void is made after some periods were closed and before
others, and `voids.at` says which: it is later than the closing of every period that is closed by then, and no period
that is closed later has an earlier `closed_at`, whatever the clocks say. A row of `voids` so holds for each open
period, for each that was closed after it, and with `amends` for all. When it is taken back without amending, the
periods that were closed meanwhile stay without the ledger row, and `kept_voids` says which. `parts.COUNTED` reads both.

Whoever writes here holds the ledger (`ledger.lock_exclusive`), and recounts the players' standings.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from common.domain.corrections import Span
from common.postgres import parts

MOST_EVENTS = 50_000
"""The most ledger rows of a player of whom a correction is made beside the service: all of them are counted again."""

_FIND = text("SELECT user_id::text, refusal FROM score_events WHERE id = :event")
_READ = text("SELECT at, reason, amends FROM voids WHERE event_id = :event")
_IN_SPAN = text("""
SELECT id FROM score_events
WHERE user_id = ANY(CAST(:users AS uuid[])) AND accepted_at BETWEEN :since AND :until AND refusal IS NULL
    AND (CAST(:action AS text) IS NULL OR action_id = :action)
ORDER BY id
""")
# What was recorded before was accepted before: a worker's clock is not an hour ahead.
_PLAYERS = """
SELECT e.user_id::text, count(*) AS events FROM score_events e LEFT JOIN voids v ON v.event_id = e.id
WHERE {whose} AND e.accepted_at BETWEEN :since AND :until AND e.refusal IS NULL
    AND (CAST(:action AS text) IS NULL OR e.action_id = :action)
    AND CASE WHEN :restores
        THEN v.event_id IS NOT NULL OR (:amends AND EXISTS (SELECT FROM kept_voids k WHERE k.event_id = e.id))
        ELSE v.event_id IS NULL OR (:amends AND NOT v.amends) END
GROUP BY e.user_id ORDER BY e.user_id
"""
_OF_EVERYBODY = text(_PLAYERS.format(whose="e.recorded_at >= CAST(:since AS timestamptz) - interval '1 hour'"))
_OF_PLAYER = text(_PLAYERS.format(whose="e.user_id = CAST(:user AS uuid)"))
_EVENTS = text("""
SELECT user_id::text, count(*) AS events FROM score_events WHERE user_id = ANY(CAST(:users AS uuid[])) GROUP BY user_id
""")
_HAS_MORE = text("""
SELECT count(*) > :most FROM (
    SELECT FROM score_events WHERE user_id = CAST(:user AS uuid) LIMIT CAST(:most AS int) + 1
) AS first_rows
""")
_ADD = text("""
INSERT INTO voids AS v (event_id, at, actor, reason, amends)
SELECT id, GREATEST(statement_timestamp(), (SELECT max(closed_at) FROM periods) + interval '1 microsecond'),
       :actor, :reason, :amends
FROM unnest(CAST(:events AS bigint[])) AS sent(id) ORDER BY id
ON CONFLICT (event_id) DO UPDATE SET amends = true WHERE excluded.amends AND NOT v.amends
RETURNING event_id
""")
_AMENDS = "coalesce(CAST(:amends AS boolean), v.amends)"
"""Whether a void is taken back in closed periods too: where nothing is said, if it was made so."""

_KEEP = text(f"""
INSERT INTO kept_voids (event_id, board_id, period_id)
SELECT e.id, b.id, p.period_id
{parts.EXPANDED.format(rows="(SELECT * FROM score_events WHERE id = ANY(CAST(:events AS bigint[])))")}
WHERE p.name = ANY(b.periods) AND NOT {_AMENDS} AND c.closed_at IS NOT NULL AND (v.amends OR c.closed_at >= v.at)
ON CONFLICT DO NOTHING
""")  # noqa: S608 - built from constants
_FORGET = text("DELETE FROM kept_voids WHERE event_id = ANY(CAST(:events AS bigint[])) RETURNING event_id")
_REMOVE = text("DELETE FROM voids WHERE event_id = ANY(CAST(:events AS bigint[])) RETURNING event_id")


class Void(NamedTuple):
    """That a ledger row is void."""

    at: datetime
    reason: str
    amends: bool


class Found(NamedTuple):
    """Whose a ledger row is, and whether it was refused, so that it counts nothing anyway."""

    user_id: str
    is_refused: bool


def find_event(connection: Connection, event_id: int) -> Found | None:
    """Return what a correction has to know of a ledger row; None if there is none."""
    row = connection.execute(_FIND, {"event": event_id}).one_or_none()
    return Found(row.user_id, row.refusal is not None) if row else None


def read(connection: Connection, event_id: int) -> Void | None:
    """Return the void of a ledger row, or None if it counts."""
    row = connection.execute(_READ, {"event": event_id}).one_or_none()
    return Void(*row) if row else None


def in_span(connection: Connection, user_ids: Sequence[str], span: Span) -> list[int]:
    """Return the ids of the players' ledger rows in a span of time, but for refused ones."""
    values = {"users": list(user_ids), "since": span.since, "until": span.until, "action": span.action_id}
    return list(connection.scalars(_IN_SPAN, values))


def players_in_span(
    connection: Connection, span: Span, user_id: str | None, *, restores: bool, amends: bool
) -> dict[str, int]:
    """Return how many updates of each player a correction of a span would change, in order of the players' ids.

    One that `amends` also changes those that were corrected before without it.
    With `user_id` of this player alone; without, this reads the ledger from the span's beginning on.
    """
    values = {"since": span.since, "until": span.until, "action": span.action_id}
    how = {"restores": restores, "amends": amends}
    if user_id:
        found = connection.execute(_OF_PLAYER, {**values, **how, "user": user_id})
    else:
        found = connection.execute(_OF_EVERYBODY, {**values, **how})
    return {row.user_id: row.events for row in found}


def count_events(connection: Connection, user_ids: Sequence[str]) -> dict[str, int]:
    """Return how many ledger rows each of these players has."""
    return {row.user_id: row.events for row in connection.execute(_EVENTS, {"users": list(user_ids)})}


def has_many_events(connection: Connection, user_id: str) -> bool:
    """Return whether a player has more than `MOST_EVENTS` ledger rows."""
    return bool(connection.scalar(_HAS_MORE, {"user": user_id, "most": MOST_EVENTS}))


def add(connection: Connection, event_ids: Sequence[int], *, actor: str, reason: str, amends: bool) -> list[int]:
    """Make ledger rows void, and return those of which that made a difference.

    A void stays as it was made, but one that is repeated with `amends` holds for closed periods from then on.
    """
    values = {"events": list(event_ids), "actor": actor, "reason": reason, "amends": amends}
    changed = list(connection.scalars(_ADD, values))
    if amends:
        connection.execute(_FORGET, {"events": changed})
    return changed


def remove(connection: Connection, event_ids: Sequence[int], *, amends: bool | None) -> list[int]:
    """Take voids back, and return the ledger rows of which that made a difference.

    Periods that were closed while a row was void stay without it, unless `amends`; with None, as the void was made.
    """
    values = {"events": list(event_ids), "amends": amends}
    connection.execute(_KEEP, values)
    changed = set(connection.scalars(_REMOVE, {"events": list(event_ids)}))
    if amends:
        changed.update(connection.scalars(_FORGET, {"events": list(event_ids)}))
    return sorted(changed)
