"""The chore that ranks closed periods: final ranks, the digest of the table, and what follows from final places.

1. In one snapshot, read the period's rows in the one order, slice by slice, and add those that are shown to the digest.
2. Write each slice's ranks in a transaction of its own. The ledger is not held: the rows of a closed period change by
   corrections alone, which count its revision.
3. In one transaction: mark the period ranked, unless its revision has changed, with its digest and the number of its
   players; write what is kept of a day, and unlock the achievements of final places.
4. Tell viewers of these. Whoever misses it is told when they connect.

A death anywhere leaves a period that is not ranked, and the next turn begins it anew; what was written already is then
not written again. Periods of a board and kind are ranked in the order of their ends, since each digest begins with the
one before.
"""

import time

import structlog

from common.core import task_names
from common.domain import periods
from common.domain.digests import TableDigest
from common.postgres import day_marks, placement_unlocks, ranking
from common.postgres.ranking import Unranked
from common.services import unlock_news
from workers import maintenance
from workers.failures import try_each
from workers.state import WorkerState

log = structlog.get_logger(__name__)

TURN_SECONDS = 20.0
"""A turn begins no further period after this time, so that other chores have their turns beside a long backlog."""


def rank_closed(worker: WorkerState) -> None:
    """Rank the closed periods that are not, the earliest first, also if others fail."""
    with worker.engine.connect() as connection:
        waiting = ranking.unranked(connection)
    deadline = time.monotonic() + TURN_SECONDS
    blocked: set[tuple[str, str]] = set()

    def rank_in_order(period: Unranked) -> None:
        of_kind = (period.board_id, periods.name_of(period.period_id))
        if of_kind in blocked or time.monotonic() > deadline:
            return
        blocked.add(of_kind)
        if period.is_closed and rank(worker, period):
            blocked.discard(of_kind)

    try_each(waiting, rank_in_order)


def rank(worker: WorkerState, period: Unranked) -> bool:
    """Rank a closed period. Returns False if it was amended, or ranked by another process, meanwhile."""
    board = (period.board_id, period.period_id)
    first = 1
    with worker.engine.connect().execution_options(isolation_level="REPEATABLE READ") as snapshot:
        previous = ranking.previous_digest(snapshot, *board)
        digest = TableDigest(previous)
        for rows in ranking.slices(snapshot, *board):
            digest.add(ranking.shown(rows))
            with worker.engine.begin() as connection:
                ranking.number(connection, *board, first, rows)
            first += len(rows)
            maintenance.show_alive(worker, task_names.QUEUE_CHORES)
    with worker.engine.begin() as connection:
        if not ranking.finish(connection, period, digest, previous):
            return False
        day_marks.write(connection, *board)
        unlocked = placement_unlocks.decide(connection, *board)
    log.info("period_ranked", board=period.board_id, period=period.period_id, players=digest.total)
    unlock_news.announce(worker.inbox, unlocked)
    unlock_news.count(worker.catalogue.current(), unlocked)
    return True
