"""Achievements of final ranks: they are decided once a period is ranked, and never before.

Final ranks are the one order of the standings that are shown (`common/postgres/stored_boards.py`); where equal scores
share a place, the place counts. Safe to repeat: what is unlocked stays, and what an amendment adds is added.

One that is retroactive is also decided for the periods that were ranked before it was made, each in a transaction of
its own, with the cursor. No period is left out between the two: whoever ranks one shares the catalogue until that is
committed, so it either knows the achievement, or was ranked before anybody fills it.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Row, text

from common.domain import periods
from common.domain.achievements import ONCE, StepKey, Unlock
from common.postgres import period_sql, stored_boards, unlocks

_SHARE_CATALOGUE = text("SELECT FROM catalogue_version FOR KEY SHARE")
_WANTED = text("""
SELECT id, within, min_players, repeats IS NOT NULL AS repeats FROM achievements
WHERE kind = 'placement' AND enabled AND board_id = :board AND period = :period ORDER BY id
""")
_NOW = text("SELECT date_trunc('milliseconds', now())")
_CLAIM = text("""
SELECT id, within, min_players, repeats IS NOT NULL AS repeats, board_id, period, coalesce(fill_period, '') AS done
FROM achievements WHERE id = :id AND kind = 'placement' AND fill_below IS NOT NULL AND enabled FOR NO KEY UPDATE
""")
_NEXT = text(f"""
SELECT period_id FROM periods
WHERE board_id = :board AND {period_sql.KIND.format(id="period_id")} = :period AND period_id > :done
    AND ranked_at IS NOT NULL AND archived_at IS NULL
ORDER BY period_id LIMIT 1
""")  # noqa: S608 - built from constants
_MOVE = text("UPDATE achievements SET fill_period = :to WHERE id = :id")
_END = text("UPDATE achievements SET fill_below = NULL, fill_after = NULL, fill_period = NULL WHERE id = :id")


def decide(connection: Connection, board_id: str, period_id: str) -> list[Unlock]:
    """Unlock what the final ranks of a period are worth, and return what was not unlocked before.

    It belongs into the transaction that ranks the period, which then announces what it returns.
    """
    connection.execute(_SHARE_CATALOGUE)
    wanted = connection.execute(_WANTED, {"board": board_id, "period": periods.name_of(period_id)}).all()
    return _unlock(connection, board_id, period_id, wanted) if wanted else []


def fill_next(connection: Connection, achievement_id: str) -> list[Unlock] | None:
    """Decide an achievement for the next period of the past, and return what that unlocks.

    None if there is no such period any more. Safe to run twice, and beside itself.
    """
    claimed = connection.execute(_CLAIM, {"id": achievement_id}).one_or_none()
    if claimed is None:
        return None
    place = {"board": claimed.board_id, "period": claimed.period, "done": claimed.done}
    period_id = connection.scalar(_NEXT, place)
    if period_id is None:
        connection.execute(_END, {"id": achievement_id})
        return None
    connection.execute(_MOVE, {"id": achievement_id, "to": period_id})
    return _unlock(connection, claimed.board_id, period_id, [claimed])


def _unlock(
    connection: Connection, board_id: str, period_id: str, wanted: Sequence[Row[tuple[object, ...]]]
) -> list[Unlock]:
    players = stored_boards.count(connection, board_id, period_id)
    taking_part = [row for row in wanted if players >= row.min_players]
    if not taking_part:
        return []
    places = stored_boards.first_places(connection, board_id, period_id, max(row.within for row in taking_part))
    reached = [
        StepKey(user_id, row.id, period_id if row.repeats else ONCE)
        for row in taking_part
        for user_id, place in places
        if place <= row.within
    ]
    return unlocks.add(connection, reached, connection.scalars(_NOW).one())
