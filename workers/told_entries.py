"""The entries that an update's answer tells: the player's place on each board that the update counts on. Pure.

Redis is asked for ranks only on boards of updates whose requests wait, so a batch for which nobody waits pays nothing.
"""

from collections.abc import Iterable, Mapping

from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.contract.responses import BoardEntry
from common.domain.inbox_entries import Delivery
from common.domain.ledger_row import LedgerRow
from common.domain.standing import BoardId, Moved, StandingKey
from workers.recording import Recorded

Moves = Mapping[BoardId, Mapping[str, Moved]]
"""The ranks of players before and after a batch, by board and user id."""

_UNKNOWN = Moved(None, None)


def boards_told(deliveries: Iterable[Delivery], recorded: Recorded) -> frozenset[BoardId]:
    """Return the boards of which a request that waits is told the player's rank."""
    told: set[BoardId] = set()
    for delivery in deliveries:
        update = delivery.update
        if update.reply_to and (update.user_id, update.idempotency_key) in recorded.fresh:
            told.update(_boards_of(recorded.rows[update.user_id, update.idempotency_key], recorded))
    return frozenset(told)


def entries_of(row: LedgerRow, recorded: Recorded, moves: Moves) -> list[BoardEntry]:
    """Return the player's place on each board that the update counts on, in its longest period.

    A period that is closed has none. `improved` says that this update made the score that stands there now.
    """
    entries: list[BoardEntry] = []
    for board in _boards_of(row, recorded):
        standing = recorded.by_key.get(StandingKey(*board, row.user_id))
        if standing is None:
            continue
        moved = moves.get(board, {}).get(row.user_id, _UNKNOWN)
        entry: BoardEntry = {
            "board": board[0],
            "period": board[1],
            "score": row.score_after if board == (DEFAULT_BOARD, ALL_TIME) else standing.score,
            "rank": moved.after,
            "previousRank": moved.before,
            "improved": standing.tiebreaker == row.id,
        }
        if recorded.catalogue.boards[board[0]].second:
            entry["second"] = standing.second
        entries.append(entry)
    return entries


def _boards_of(row: LedgerRow, recorded: Recorded) -> list[BoardId]:
    boards = recorded.catalogue.boards
    return [
        (board_id, boards[board_id].longest_period_at(row.accepted_at))
        for board_id in recorded.boards_of(row)
        if board_id in boards
    ]
