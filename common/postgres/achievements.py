"""The achievements of the catalogue: their rows, and which ledger rows count towards them.

A definition begins to count at an exact place of the ledger, and stops at one when it is disabled. Whoever writes it
holds the ledger (`ledger.lock_exclusive`), so no batch is half-way, and `catalogue_version.achievements` is counted up:
every batch reads that number with its first look and is recorded by no other catalogue (`workers/recording.py`). So
`counts` has the ids of exactly those ledger rows that count, and steps can be counted again at any time.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, select, text, update

from common.domain.achievements import Achievement, AchievementKind
from common.postgres import ledger
from common.postgres.tables import achievements

_FIELDS = tuple(field.name for field in fields(Achievement))
_COLUMNS = tuple(achievements.c[name] for name in _FIELDS)
_VERSION = text("SELECT achievements FROM catalogue_version")
_COUNT = text("UPDATE catalogue_version SET achievements = achievements + 1")
_NEWEST = text("SELECT coalesce(max(id), 0) FROM score_events")

_MUTABLE = ("title", "description", "icon", "secret", "enabled", "retroactive")
_CHANGE = (
    update(achievements)
    .where(achievements.c.id == bindparam("achievement"))
    .values({name: bindparam(f"new_{name}") for name in _MUTABLE})
)
_BEGIN = text("""
UPDATE achievements SET counts = counts + int8multirange(int8range(:newest, NULL, '()'))
WHERE id = ANY(:ids) AND kind = 'count'
""")
_END = text("""
UPDATE achievements SET counts = counts * int8multirange(int8range(NULL, :newest, '(]'))
WHERE id = ANY(:ids) AND kind = 'count'
""")
_FILL = text("""
UPDATE achievements
SET fill_below = since_event, fill_after = '00000000-0000-0000-0000-000000000000', fill_period = NULL
WHERE id = ANY(:ids) AND kind IN ('count', 'score', 'placement')
""")
_RARITIES = text("SELECT id, holders, players FROM achievements WHERE players > 0")
_COUNT_PLAYERS = text("SELECT count(*) FROM users WHERE role = 'player' AND erased_at IS NULL")
_SET_RARITY = text("""
UPDATE achievements SET players = :players, counted_at = now(), holders = (
    SELECT count(DISTINCT u.user_id) FROM unlocks u JOIN users p ON p.id = u.user_id
    WHERE u.achievement_id = :id AND p.role = 'player' AND p.erased_at IS NULL
)
WHERE id = :id
""")


class Changed(NamedTuple):
    """An achievement as it is stored, and as it shall be."""

    before: Achievement
    after: Achievement


def load(connection: Connection) -> list[Achievement]:
    """Return all achievements, in order of their ids."""
    return [_achievement(row) for row in connection.execute(select(*_COLUMNS).order_by(achievements.c.id))]


def version(connection: Connection) -> int:
    """Return the number of changes so far of what counts towards achievements."""
    return int(connection.scalar(_VERSION) or 0)


def write(connection: Connection, new: Sequence[Achievement], changed: Sequence[Changed]) -> None:
    """Write achievements. The transaction holds the catalogue, and from here on, if what counts changes, the ledger.

    Raises OperationalError if batches do not let it have the ledger within a second.
    """
    begin = [each.id for each in new if each.enabled]
    begin += [after.id for before, after in changed if after.enabled and not before.enabled]
    end = [after.id for before, after in changed if before.enabled and not after.enabled]
    fill = [each.id for each in new if each.retroactive]
    fill += [after.id for before, after in changed if after.retroactive and not before.retroactive]
    moves = bool(new or begin or end or fill)
    if moves:
        ledger.lock_exclusive(connection)
    newest = int(connection.scalar(_NEWEST) or 0)
    if new:
        connection.execute(achievements.insert(), [_row(each, newest) for each in new])
    if changed:
        connection.execute(_CHANGE, [_changes(after) for _, after in changed])
    for statement, ids in ((_BEGIN, begin), (_END, end), (_FILL, fill)):
        if ids:
            connection.execute(statement, {"ids": ids, "newest": newest})
    if moves:
        connection.execute(_COUNT)


def rarities(connection: Connection) -> dict[str, float]:
    """Return the share of players who have each achievement, by id, as it was counted last."""
    return {row.id: round(row.holders / row.players, 4) for row in connection.execute(_RARITIES)}


def count_players(connection: Connection) -> int:
    """Return the number of players there are."""
    return int(connection.scalar(_COUNT_PLAYERS) or 0)


def set_rarity(connection: Connection, achievement_id: str, players: int) -> None:
    """Count who of so many players has an achievement. Safe to repeat."""
    connection.execute(_SET_RARITY, {"id": achievement_id, "players": players})


def _row(achievement: Achievement, newest: int) -> dict[str, Any]:
    values = {name: getattr(achievement, name) for name in _FIELDS}
    return {**values, "actions": list(achievement.actions), "since_event": newest}


def _changes(after: Achievement) -> dict[str, Any]:
    return {"achievement": after.id, **{f"new_{name}": getattr(after, name) for name in _MUTABLE}}


def _achievement(row: Row[Any]) -> Achievement:
    stored = dict(row._mapping)
    return Achievement(**{**stored, "kind": AchievementKind(stored["kind"]), "actions": tuple(stored["actions"])})
