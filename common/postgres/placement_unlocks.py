"""Achievements of final ranks: they are decided once a period is ranked, and never before.

Final ranks are the one order of the standings that are shown (`common/postgres/stored_boards.py`); where equal scores
share a place, the place counts. Safe to repeat: what is unlocked stays, and what an amendment adds is added.
"""

from sqlalchemy import Connection, text

from common.domain import periods
from common.domain.achievements import ONCE, StepKey, Unlock
from common.postgres import stored_boards, unlocks

_WANTED = text("""
SELECT id, within, min_players, repeats IS NOT NULL AS repeats FROM achievements
WHERE kind = 'placement' AND enabled AND board_id = :board AND period = :period ORDER BY id
""")
_NOW = text("SELECT date_trunc('milliseconds', now())")


def decide(connection: Connection, board_id: str, period_id: str) -> list[Unlock]:
    """Unlock what the final ranks of a period are worth, and return what was not unlocked before.

    It belongs into the transaction that ranks the period, which then announces what it returns.
    """
    wanted = connection.execute(_WANTED, {"board": board_id, "period": periods.name_of(period_id)}).all()
    if not wanted:
        return []
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
