"""Apply a batch of inbox entries: COMMIT, project, then acknowledge, in this order.

If the worker dies after COMMIT, the redelivery records nothing new but projects the standings and answers all the same.
That is why every player of the batch is projected, moved or not, and why acknowledging comes last.

A batch that fails is halved until the entry that it fails on stands alone, and its neighbours are applied. What happens
to that entry depends on the cause (`workers/faults.py`, ADR 15): an entry is refused or quarantined only for what it
says itself; in every other case it stays pending.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import NamedTuple

import redis
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.contract.errors import ErrorCode
from common.core import metrics
from common.core.logging import log_many
from common.core.timestamps import to_milliseconds
from common.domain import inbox_entries, outcomes
from common.domain.inbox_entries import ENTRY_VERSION, Delivery, Entry, MalformedEntry, Newer, Reply, Sender
from common.domain.standing import BoardId, Moved, Standing
from common.postgres import batch, quarantine
from common.postgres.catalogue import CatalogueCache
from common.postgres.ledger import AlreadyRecordedError
from common.postgres.prepared import NotPreparedError
from common.redis_store import placeholders
from common.redis_store.board import Board, Projected
from common.redis_store.inbox import Committed, Inbox
from common.services import unlock_news
from common.services.rebuild import Rebuilder
from workers import faults, told_entries
from workers.faults import Fault, UnusableUpdateError
from workers.finisher import Finisher
from workers.held_updates import HeldError
from workers.recording import OutdatedCatalogueError, Recorded, record
from workers.told_entries import Moves

log = structlog.get_logger(__name__)

MAX_RECORD_ATTEMPTS = 10
"""An update that another worker recorded first is found at the second attempt; after the tenth it is given up."""

SUSPECT_AFTER = 3
"""Deliveries after which an entry is applied alone, so that it cannot take its neighbours down."""

QUARANTINE_AFTER = 5
"""Deliveries after which an entry that fails alone is quarantined."""

MANY = 5
"""So many failures, if they are most of a batch, have a common cause, whatever each of them looks like."""

MOST_ROWS_IN_ONE_STEP = 40
"""The standings of a batch that is finished in one round trip to Redis, as ten updates in the four periods have.

A larger one is finished sooner in two: to fill in numbers that only the script knows takes Redis longer than a trip."""

BRIEF_LOCK_WAIT_MS = 100
AROUND_LOCKS_SECONDS = 1.0
"""How long a batch is halved to apply the entries that need no locked row."""

SERVED_WITHIN_SECONDS = 1.0
"""How long a batch waits for a small board that another process rebuilds, in order to answer with exact ranks."""

ANSWER_BOARD: BoardId = (DEFAULT_BOARD, ALL_TIME)
"""The board whose ranks are given in answers to updates."""


class Applied(NamedTuple):
    """The entries of a batch that are still pending: ids with their numbers of deliveries.

    Those in `failed` failed because of what they say and are tried again; those in `kept` wait for another reason.
    `trouble` is that reason, unless it is only a lock.
    """

    failed: Mapping[str, int]
    kept: Mapping[str, int]
    trouble: Exception | None


@dataclass
class _Attempt:
    """The state of applying one batch. From `brief_since` on locks are waited for briefly only."""

    finisher: Finisher | None
    brief_since: float | None = None
    unusable: list[tuple[Delivery, Exception]] = field(default_factory=list)
    locked: list[Delivery] = field(default_factory=list)
    kept: list[Delivery | Newer] = field(default_factory=list)
    trouble: Exception | None = None

    @property
    def lock_wait_ms(self) -> int | None:
        return None if self.brief_since is None else BRIEF_LOCK_WAIT_MS


class Batches:
    """Applies batches with the adapters of one worker process. `recording` is as `batch.transaction` needs it."""

    def __init__(
        self,
        engine: Engine,
        inbox: Inbox,
        board: Board,
        rebuilder: Rebuilder,
        catalogue: CatalogueCache,
        *,
        recording: Engine,
    ) -> None:
        self._engine = engine
        self._recording = recording
        self._inbox = inbox
        self._board = board
        self._rebuilder = rebuilder
        self._catalogue = catalogue

    def apply(
        self, entries: Sequence[Entry], *, waits_for_locks: bool = True, finisher: Finisher | None = None
    ) -> Applied:
        """Apply entries and acknowledge them. Returns those that are still pending.

        Raises HeldError if nothing can be applied now, or the error of a server that is away; everything that was not
        acknowledged is then pending. Without `waits_for_locks`, entries that need a locked row are left at once. With a
        `finisher`, entries are recorded when this returns, and it projects and acknowledges them.
        """
        attempt = _Attempt(finisher, None if waits_for_locks else time.monotonic())
        deliveries = [entry for entry in entries if isinstance(entry, Delivery)]
        self._apply_or_split([delivery for delivery in deliveries if delivery.times <= SUSPECT_AFTER], attempt)
        for delivery in deliveries:
            if delivery.times > SUSPECT_AFTER:
                self._apply_or_split([delivery], attempt)
        _raise_if_most_fail(deliveries, attempt.unusable)
        for entry in entries:
            if isinstance(entry, Newer):
                attempt.kept.append(entry)
                attempt.trouble = HeldError(f"entries have version {entry.version}; this worker reads {ENTRY_VERSION}")
        failed = self._quarantine_or_retry(attempt, [entry for entry in entries if isinstance(entry, MalformedEntry)])
        if attempt.locked:
            log.warning("updates_wait_for_locks", updates=len(attempt.locked))
        kept = {entry.inbox_id: entry.times for entry in (*attempt.locked, *attempt.kept)}
        return Applied(failed, kept, attempt.trouble)

    def _apply_or_split(
        self, deliveries: Sequence[Delivery], attempt: _Attempt, refusal: ErrorCode | None = None
    ) -> None:
        """Apply a batch; halve it when it fails, until the entry that it fails on stands alone."""
        if not deliveries:
            return
        failure = self._failure_of(deliveries, refusal, attempt)
        if failure is None:
            return
        fault = Fault.OUT_OF_RANGE if isinstance(failure, _OutOfRangeError) else faults.of(failure)
        if fault is Fault.AWAY:
            raise failure
        if fault is Fault.UNFIT:
            raise HeldError(faults.describe(failure)) from failure
        if fault is Fault.LOCKED and attempt.brief_since is None:
            attempt.brief_since = time.monotonic()
        if len(deliveries) == 1 or (fault is Fault.LOCKED and _has_lock_time_run_out(attempt)):
            self._note(deliveries, failure, fault, attempt, refusal)
            return
        middle = len(deliveries) // 2
        for half in (deliveries[:middle], deliveries[middle:]):
            self._apply_or_split(half, attempt, refusal)

    def _failure_of(
        self, deliveries: Sequence[Delivery], refusal: ErrorCode | None, attempt: _Attempt
    ) -> Exception | None:
        try:
            self._apply(deliveries, refusal, attempt.lock_wait_ms, attempt.finisher)
        except Exception as error:
            return error
        return None

    def _note(
        self,
        deliveries: Sequence[Delivery],
        failure: Exception,
        fault: Fault,
        attempt: _Attempt,
        refusal: ErrorCode | None,
    ) -> None:
        """Remember why an update failed, or refuse it at once if its player's total would leave the exact integers."""
        if fault is Fault.LOCKED:
            attempt.locked += deliveries
        elif fault is Fault.OUT_OF_RANGE and refusal is None:
            self._apply_or_split(deliveries, attempt, ErrorCode.SCORE_OUT_OF_RANGE)
        elif fault is Fault.ENTRY:
            attempt.unusable += [(delivery, failure) for delivery in deliveries]
        else:
            attempt.kept += deliveries
            attempt.trouble = failure

    def _quarantine_or_retry(self, attempt: _Attempt, malformed: Sequence[MalformedEntry]) -> dict[str, int]:
        """Quarantine the entries that had their last delivery; return the others with their numbers of deliveries."""
        failed = {}
        for delivery, error in attempt.unusable:
            reason = faults.describe(error.__cause__ or error)
            log.warning("update_failed", inbox_id=delivery.inbox_id, times=delivery.times, reason=reason)
            if delivery.times < QUARANTINE_AFTER:
                failed[delivery.inbox_id] = delivery.times
            else:
                self._quarantine(delivery, reason)
        for entry in malformed:
            if entry.times < QUARANTINE_AFTER:
                failed[entry.inbox_id] = entry.times
            else:
                self._quarantine(entry, "cannot be read")
        return failed

    def _quarantine(self, entry: Delivery | MalformedEntry, reason: str) -> None:
        """Quarantine an entry as it was stored, and send the outcome to the sender that it names, if it names one."""
        with self._engine.begin() as connection:
            quarantine.put(connection, entry, reason)
        sender = inbox_entries.sender(entry.fields)
        self._inbox.acknowledge([entry.inbox_id], [_quarantine_reply(sender)] if sender else [], None)
        metrics.UPDATES.labels("quarantined").inc()
        log.error("update_quarantined", inbox_id=entry.inbox_id, reason=reason)

    def _apply(
        self,
        deliveries: Sequence[Delivery],
        refusal: ErrorCode | None = None,
        lock_wait_ms: int | None = None,
        finisher: Finisher | None = None,
    ) -> None:
        started = time.monotonic()
        recorded, committed_at = self._record(deliveries, refusal, lock_wait_ms)
        finish = partial(self._finish, deliveries, recorded, committed_at, started)
        if finisher:
            finisher.add(deliveries, finish)
        else:
            finish()

    def _finish(self, deliveries: Sequence[Delivery], recorded: Recorded, committed_at: int, started: float) -> None:
        """Show a recorded batch, answer it and acknowledge its entries. Safe to run twice."""
        told = told_entries.boards_told(deliveries, recorded) | {ANSWER_BOARD}
        if not self._finish_in_one_step(deliveries, recorded, committed_at, told):
            moves, news = self._project(recorded, committed_at, told)
            self._inbox.acknowledge(_ids(deliveries), _replies(deliveries, recorded, moves), news)
        metrics.BATCH_SIZE.observe(len(deliveries))
        metrics.BATCH_SECONDS.observe(time.monotonic() - started)
        metrics.APPLIED_SECONDS.observe(max(0.0, time.time() - deliveries[0].accepted_at.timestamp()))
        metrics.STANDINGS.inc(len(recorded.standings))
        _log_batch(deliveries, recorded, started)

    def _finish_in_one_step(
        self, deliveries: Sequence[Delivery], recorded: Recorded, committed_at: int, moves_of: Collection[BoardId]
    ) -> bool:
        """Finish a small batch whose boards Redis serves, in one round trip and one write to its disk.

        Returns whether that was done. If not, nothing was: the batch is to be projected and settled.
        """
        if len(recorded.standings) > MOST_ROWS_IN_ONE_STEP:
            return False
        boards = _by_board(recorded.standings)
        seqs, moves = placeholders.of_batch(boards, moves_of)
        replies, news = _replies(deliveries, recorded, moves), _news(recorded, committed_at, seqs)
        return self._inbox.finish(Committed(boards, committed_at, moves_of), _ids(deliveries), replies, news)

    def _record(
        self, deliveries: Sequence[Delivery], refusal: ErrorCode | None, lock_wait_ms: int | None = None
    ) -> tuple[Recorded, int]:
        """Record a batch, and return it with the instant (ms) after its COMMIT.

        Raises UnusableUpdateError or _OutOfRangeError for an entry that cannot be recorded because of what it says.
        """
        catalogue = self._catalogue.including({delivery.update.action_id for delivery in deliveries})
        for _ in range(MAX_RECORD_ATTEMPTS):
            try:
                with batch.transaction(self._recording) as connection:
                    recorded = record(connection, deliveries, catalogue, refusal, lock_wait_ms)
            except (AlreadyRecordedError, NotPreparedError):
                continue
            except OutdatedCatalogueError:
                catalogue = self._catalogue.read_anew()
                continue
            except Exception as error:
                fault = faults.of_recording(error)
                if fault is Fault.OUT_OF_RANGE:
                    raise _OutOfRangeError from error
                if fault is Fault.ENTRY and not isinstance(error, UnusableUpdateError):
                    raise UnusableUpdateError(faults.describe(error)) from error
                raise
            committed_at = int(time.time() * 1000)
            unlock_news.count(recorded.catalogue, recorded.unlocked[: recorded.newly])
            return recorded, committed_at
        raise UnusableUpdateError("the ledger has it and does not show it")

    def _project(
        self, recorded: Recorded, committed_at: int, moves_of: Collection[BoardId] = (ANSWER_BOARD,)
    ) -> tuple[Moves, bytes]:
        """Project every touched standing. Small boards that Redis has lost are rebuilt first.

        Returns the moves on these boards and the news for the viewers. A board that is not served by then has no moves
        and no news; its rebuild includes the standings.
        """
        waiting = _by_board(recorded.standings)
        shown: dict[BoardId, Projected] = {}
        rebuilt: set[BoardId] = set()
        deadline = time.monotonic() + SERVED_WITHIN_SECONDS
        while waiting:
            answers = self._board.project(list(waiting.values()), committed_at, moves_of)
            projected = zip(waiting, answers, strict=True)
            shown |= {board: answer for board, answer in projected if isinstance(answer, Projected)}
            waiting = {board: group for board, group in waiting.items() if board not in shown}
            rebuilt |= waiting.keys()
            waiting = {board: waiting[board] for board in self._rebuild_missing(waiting, deadline)}
        moves = {board: shown[board].moves for board in moves_of if board in shown}
        for board in rebuilt & moves.keys():
            # A rebuilt board includes this batch already, so the ranks before it are unknown.
            moves[board] = {user_id: Moved(None, moved.after) for user_id, moved in moves[board].items()}
        return moves, _news(recorded, committed_at, {board: projected.seq for board, projected in shown.items()})

    def _rebuild_missing(self, boards: Iterable[BoardId], deadline: float) -> list[BoardId]:
        """Rebuild the small boards that Redis does not serve, or wait briefly for a rebuild that is under way.

        Returns the boards to project to again. The others lose nothing, because their standings are committed.
        """
        if time.monotonic() > deadline:
            return []
        try:
            small = [board for board in boards if not self._rebuilder.is_large(*board)]
            filled = [self._rebuilder.ensure_served(*board) for board in small]
        except (redis.RedisError, SQLAlchemyError) as error:  # the sweep tries it again
            log.warning("board_not_rebuilt", reason=type(error).__name__, detail=str(error)[:300])
            return []
        if not all(filled):
            time.sleep(0.05)
        return small


class _OutOfRangeError(Exception):
    """An update of the batch would make its player's total leave the exact integers."""


def _raise_if_most_fail(deliveries: Sequence[Delivery], unusable: Sequence[tuple[Delivery, Exception]]) -> None:
    """Raise HeldError if most entries of a batch failed, counting only those that were never delivered before.

    Entries that failed earlier come back together, so a batch of them says nothing about the service.
    """
    fresh = sum(delivery.times == 1 for delivery in deliveries)
    errors = [error for delivery, error in unusable if delivery.times == 1]
    if len(errors) >= MANY and len(errors) > fresh / 2:
        reason = faults.describe(errors[0].__cause__ or errors[0])
        raise HeldError(f"{len(errors)} of {fresh} new updates fail, the first with {reason}") from errors[0]


def _has_lock_time_run_out(attempt: _Attempt) -> bool:
    return attempt.brief_since is not None and time.monotonic() > attempt.brief_since + AROUND_LOCKS_SECONDS


def _quarantine_reply(sender: Sender) -> tuple[str | None, Reply]:
    """Return the web process that waits for a quarantined update, if any, and the reply."""
    user_id, action_id, key, reply_to = sender
    return reply_to, Reply(user_id, key, action_id, outcomes.quarantined(user_id, action_id, key), replayed=False)


def _by_board(standings: Iterable[Standing]) -> dict[BoardId, list[Standing]]:
    rows = sorted(standings, key=lambda row: row.key)
    return {board: list(group) for board, group in groupby(rows, key=lambda row: row.key.board)}


def _news(recorded: Recorded, committed_at: int, seqs: Mapping[BoardId, int]) -> bytes:
    """Return what viewers are told of a batch: the boards that are shown, by their new seqs, and the players."""
    boards = [{"board": board, "period": period, "seq": seq} for (board, period), seq in seqs.items()]
    players = sorted({user_id for user_id, _ in recorded.rows})
    news = {"boards": boards, "players": players, "at": committed_at, **unlock_news.field_of(recorded.unlocked)}
    return placeholders.dumps(news)


def _ids(deliveries: Iterable[Delivery]) -> list[str]:
    return [delivery.inbox_id for delivery in deliveries]


def _replies(deliveries: Iterable[Delivery], recorded: Recorded, moves: Moves) -> list[tuple[str | None, Reply]]:
    """Return the outcome of each update, with the web process whose request waits for it, if one does."""
    return [(delivery.update.reply_to, _reply(delivery, recorded, moves)) for delivery in deliveries]


def _reply(delivery: Delivery, recorded: Recorded, moves: Moves) -> Reply:
    update = delivery.update
    row = recorded.rows[update.user_id, update.idempotency_key]
    moved = moves.get(ANSWER_BOARD, {}).get(update.user_id, Moved(None, None))
    is_fresh = row.key in recorded.fresh
    entries = told_entries.entries_of(row, recorded, moves) if update.reply_to and is_fresh else None
    username, changed_at = recorded.usernames[update.user_id], recorded.changed_at.get(update.user_id)
    previous = moved.before if is_fresh else None
    outcome = outcomes.recorded(row, username, moved.after, changed_at, previous, entries=entries)
    replayed = row.accepted_at is not delivery.accepted_at and (
        to_milliseconds(row.accepted_at) != to_milliseconds(delivery.accepted_at)
    )
    return Reply(update.user_id, update.idempotency_key, update.action_id, outcome, replayed)


def _log_batch(deliveries: Sequence[Delivery], recorded: Recorded, started: float) -> None:
    milliseconds = round((time.monotonic() - started) * 1000, 1)
    log.info("batch_applied", updates=len(deliveries), fresh=len(recorded.fresh), milliseconds=milliseconds)
    outcomes_counted = Counter[str]()
    rows = []
    for delivery in deliveries:
        row = recorded.rows[delivery.update.user_id, delivery.update.idempotency_key]
        fresh = row.key in recorded.fresh
        outcomes_counted[("refused" if row.refusal else "applied") if fresh else "repeated"] += 1
        rows.append((delivery.update, row, fresh))
    log_many(
        __name__,
        "update_applied",
        (
            {
                "request_id": update.request_id,
                "user_id": update.user_id,
                "action_id": update.action_id,
                "ledger_id": row.id,
                "points": row.points,
                "refusal": row.refusal,
                "source": row.source,
                "fresh": fresh,
            }
            for update, row, fresh in rows
        ),
    )
    for outcome, count in outcomes_counted.items():
        metrics.UPDATES.labels(outcome).inc(count)
