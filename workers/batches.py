"""Apply a batch of inbox entries: COMMIT, project, then settle, in this order.

If the worker dies after COMMIT, the redelivery finds nothing fresh in the ledger but projects the standings and
answers all the same. That is why everybody in the batch is projected, moved or not, and why settling comes last.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby

import orjson
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from common import metrics, outcomes, quarantine
from common.board import Board, BoardId, BoardNotServedError, Moved, Projected
from common.catalogue import CatalogueCache
from common.errors import ErrorCode
from common.inbox import Inbox
from common.inbox_entries import Delivery, Garbled, Reply
from common.keys import DEFAULT_BOARD
from common.ledger import AlreadyRecordedError
from common.models import standings as standings_table
from common.periods import ALL_TIME
from common.rebuild import Rebuilder
from common.timestamps import to_milliseconds
from workers.recording import Recorded, record

log = structlog.get_logger(__name__)

BAD_DATA = (DataError, IntegrityError, ProgrammingError, AlreadyRecordedError, ValueError, KeyError, TypeError)
"""What an entry can be to blame for. A lost connection, a timeout or a deadlock is nobody's fault: try again."""

LOOKS_AT_THE_LEDGER = 10
"""Another worker that was quicker is found at the second look; what is not found at the tenth never is."""

SUSPECT_AFTER = 3
"""Deliveries after which an entry is applied alone, so that it cannot take its neighbours down."""

QUARANTINE_AFTER = 5
"""Deliveries after which an entry that fails alone is set aside."""

SERVED_WITHIN_SECONDS = 5.0
SHOWN_IN_ANSWERS: BoardId = (DEFAULT_BOARD, ALL_TIME)
"""The board on which an answer tells the player's rank."""

_SCORE_RANGE = f"ck_{standings_table.name}_score_range"


class Batches:
    """Applies batches with one worker process' adapters."""

    def __init__(
        self, engine: Engine, inbox: Inbox, board: Board, rebuilder: Rebuilder, catalogue: CatalogueCache
    ) -> None:
        self._engine = engine
        self._inbox = inbox
        self._board = board
        self._rebuilder = rebuilder
        self._catalogue = catalogue

    def apply(self, entries: Sequence[Delivery | Garbled]) -> list[str]:
        """Apply entries and settle them. What fails for no fault of its own stays pending and raises.

        The ids of those that failed on their data come back: they stay pending too, to be tried again.
        """
        for entry in entries:
            if isinstance(entry, Garbled):
                self._set_aside(entry.inbox_id, "cannot be read", dict(entry.fields), [])
        deliveries = [entry for entry in entries if isinstance(entry, Delivery)]
        suspects = [delivery for delivery in deliveries if delivery.times > SUSPECT_AFTER]
        failed = self._apply_or_split([delivery for delivery in deliveries if delivery.times <= SUSPECT_AFTER])
        for suspect in suspects:
            failed += self._apply_or_split([suspect])
        return failed

    def _apply_or_split(self, deliveries: Sequence[Delivery]) -> list[str]:
        """Halve a batch that fails on data until the bad entry stands alone; its neighbours are applied."""
        if not deliveries:
            return []
        try:
            self._apply(deliveries)
        except BAD_DATA as error:
            if len(deliveries) == 1:
                return self._fail(deliveries[0], error)
            middle = len(deliveries) // 2
            return self._apply_or_split(deliveries[:middle]) + self._apply_or_split(deliveries[middle:])
        return []

    def _fail(self, delivery: Delivery, error: Exception) -> list[str]:
        """Refuse it, set it aside after its last delivery, or give its id back, to be tried again."""
        if isinstance(error, IntegrityError) and _SCORE_RANGE in str(error.orig):
            self._apply([delivery], ErrorCode.SCORE_OUT_OF_RANGE)
            return []
        reason = f"{type(error).__name__}: {error}"
        log.warning("update_failed", inbox_id=delivery.inbox_id, times=delivery.times, reason=reason)
        if delivery.times < QUARANTINE_AFTER:
            return [delivery.inbox_id]
        update = delivery.update
        outcome = outcomes.set_aside(update.user_id, update.action_id, update.idempotency_key)
        reply = Reply(update.user_id, update.idempotency_key, update.action_id, outcome, replayed=False)
        self._set_aside(delivery.inbox_id, reason, asdict(update), [(update.reply_to, reply)])
        return []

    def _set_aside(
        self, inbox_id: str, reason: str, payload: Mapping[str, str | None], replies: Iterable[tuple[str | None, Reply]]
    ) -> None:
        with self._engine.begin() as connection:
            quarantine.put(connection, inbox_id, reason, payload)
        self._inbox.settle([inbox_id], replies, None)
        metrics.UPDATES.labels("quarantined").inc()
        log.error("update_quarantined", inbox_id=inbox_id, reason=reason)

    def _apply(self, deliveries: Sequence[Delivery], refusal: ErrorCode | None = None) -> None:
        started = time.monotonic()
        recorded, committed_at = self._record(deliveries, refusal)
        moves, news = self._project(recorded, committed_at)
        replies = [(delivery.update.reply_to, _reply(delivery, recorded, moves)) for delivery in deliveries]
        self._inbox.settle([delivery.inbox_id for delivery in deliveries], replies, news)
        metrics.BATCH_SIZE.observe(len(deliveries))
        metrics.BATCH_SECONDS.observe(time.monotonic() - started)
        _log_batch(deliveries, recorded, started)

    def _record(self, deliveries: Sequence[Delivery], refusal: ErrorCode | None) -> tuple[Recorded, int]:
        """The committed batch and the instant (ms) after its COMMIT."""
        catalogue = self._catalogue.current()
        for _ in range(LOOKS_AT_THE_LEDGER):
            try:
                with self._engine.begin() as connection:
                    recorded = record(connection, deliveries, catalogue, refusal)
            except AlreadyRecordedError:
                continue
            return recorded, int(time.time() * 1000)
        raise AlreadyRecordedError

    def _project(self, recorded: Recorded, committed_at: int) -> tuple[dict[str, Moved], bytes]:
        """Show every touched standing, on boards that are rebuilt first if Redis has lost them.

        The moves on the default board and the news for the viewers come back. Raises BoardNotServedError in the end.
        """
        rows = sorted(recorded.standings, key=lambda row: row.key)
        waiting = {board: list(group) for board, group in groupby(rows, key=lambda row: row.key[:2])}
        shown: dict[BoardId, Projected] = {}
        rebuilt = False
        deadline = time.monotonic() + SERVED_WITHIN_SECONDS
        while waiting:
            answers = self._board.project(list(waiting.values()), committed_at, SHOWN_IN_ANSWERS)
            shown |= {board: answer for board, answer in zip(waiting, answers, strict=True) if answer}
            waiting = {board: group for board, group in waiting.items() if board not in shown}
            if waiting:
                rebuilt |= SHOWN_IN_ANSWERS in waiting
                self._bring_back(waiting, deadline)
        moves = dict(shown[SHOWN_IN_ANSWERS].moves) if SHOWN_IN_ANSWERS in shown else {}
        if rebuilt:
            # A rebuilt board shows this very batch already, so where its players stood before is not known.
            moves = {user_id: Moved(None, moved.after) for user_id, moved in moves.items()}
        boards = [{"board": board, "period": period, "seq": shown[board, period].seq} for board, period in shown]
        players = sorted({user_id for user_id, _ in recorded.rows})
        return moves, orjson.dumps({"boards": boards, "players": players, "at": committed_at})

    def _bring_back(self, boards: Iterable[BoardId], deadline: float) -> None:
        """Rebuild boards that Redis does not serve, or give whoever is at it a moment."""
        if time.monotonic() > deadline:
            raise BoardNotServedError(str(list(boards)))
        if not all(self._rebuilder.ensure_served(*board) for board in boards):
            time.sleep(0.05)


def _reply(delivery: Delivery, recorded: Recorded, moves: dict[str, Moved]) -> Reply:
    update = delivery.update
    row = recorded.rows[update.user_id, update.idempotency_key]
    moved = moves.get(update.user_id, Moved(None, None))
    previous = moved.before if row.key in recorded.fresh else None
    changed_at = recorded.changed_at.get(update.user_id)
    outcome = outcomes.recorded(row, recorded.usernames[update.user_id], moved.after, changed_at, previous)
    replayed = to_milliseconds(row.accepted_at) != to_milliseconds(delivery.accepted_at)
    return Reply(update.user_id, update.idempotency_key, update.action_id, outcome, replayed)


def _log_batch(deliveries: Sequence[Delivery], recorded: Recorded, started: float) -> None:
    milliseconds = round((time.monotonic() - started) * 1000, 1)
    log.info("batch_applied", updates=len(deliveries), fresh=len(recorded.fresh), milliseconds=milliseconds)
    outcomes_counted = Counter[str]()
    for delivery in deliveries:
        update = delivery.update
        row = recorded.rows[update.user_id, update.idempotency_key]
        fresh = row.key in recorded.fresh
        outcomes_counted[("refused" if row.refusal else "applied") if fresh else "repeated"] += 1
        log.info(
            "update_applied",
            request_id=update.request_id,
            user_id=update.user_id,
            action_id=update.action_id,
            ledger_id=row.id,
            points=row.points,
            refusal=row.refusal,
            source=row.source,
            fresh=fresh,
        )
    for outcome, count in outcomes_counted.items():
        metrics.UPDATES.labels(outcome).inc(count)
