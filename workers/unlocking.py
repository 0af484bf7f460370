"""Deciding what a batch unlocks, in the transaction that counts it.

Uses that count are steps, whatever they were worth; scores are taken from the rows that the batch has changed. Who is
off a board, or suspended, reaches nothing there.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from common.domain import achievements, periods
from common.domain.achievements import ONCE, StepKey, Unlock
from common.domain.ledger_row import LedgerRow
from common.domain.parts import Part
from common.domain.scoring import Catalogue
from common.domain.standing import Hidden, Standing, StandingKey
from common.postgres import unlocks
from common.postgres.batch import LookUp


def unlock(
    connection: Connection,
    rows: Sequence[LedgerRow],
    *,
    merging: Mapping[StandingKey, Part],
    merged: Iterable[Standing],
    catalogue: Catalogue,
    known: LookUp,
) -> list[Unlock]:
    """Add the steps of fresh ledger rows, and return what they unlock that was not unlocked before.

    `merged` are the standings that they changed, by the parts in `merging`. Raises NotPreparedError.
    """
    steps = achievements.steps_of(rows, catalogue.counting, catalogue.boards) if catalogue.counting else {}
    reached = _reached(merging, merged, catalogue, known) if catalogue.reaching else {}
    return unlocks.record(connection, steps, reached, known.now)


def unlocked_by(connection: Connection, repeated: Iterable[LedgerRow]) -> list[Unlock]:
    """Return what updates have unlocked that were recorded before: it has to be announced again.

    The worker that recorded them may have died before it announced anything.
    """
    return unlocks.of_events(connection, [row.id for row in repeated])


def _reached(
    merging: Mapping[StandingKey, Part], merged: Iterable[Standing], catalogue: Catalogue, known: LookUp
) -> dict[StepKey, int]:
    """Return what standings reach, and the ledger row of this batch by which each does.

    A redelivery of the batch finds the unlock by that row.
    """
    reached: dict[StepKey, int] = {}
    for row in merged:
        board_id, period_id, user_id = row.key
        wanted = catalogue.reaching.get((board_id, periods.name_of(period_id)), ())
        if not wanted or _is_off(board_id, user_id, known):
            continue
        ascending = catalogue.boards[board_id].ascending
        for achievement in wanted:
            if achievements.is_reached(row.score, achievement.reach or 0, ascending=ascending):
                scope = period_id if achievement.repeats else ONCE
                reached[StepKey(user_id, achievement.id, scope)] = merging[row.key].tiebreaker
    return reached


def _is_off(board_id: str, user_id: str, known: LookUp) -> bool:
    is_suspended = Hidden.SUSPENDED in known.hidden.get(user_id, Hidden(0))
    return is_suspended or (board_id, user_id) in known.disqualified
