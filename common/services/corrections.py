"""Corrections: updates that count no more, updates that count again, and players who are off a board.

A void, and a restoration, is one transaction:

1. Hold the ledger's checkpoint, then the ledger: batches wait from here on.
2. Write which ledger rows are void (`common/postgres/voids.py`).
3. Recount the standings to which they belong, and the checkpoint's totals (`common/postgres/recounts.py`); the same
   with the steps towards achievements (`common/postgres/step_counts.py`). What is unlocked stays.
4. Count the revisions of the closed periods whose standings changed, if they may; a final snapshot is due again.
5. Mark the players as those whom Redis may show wrongly, add rows to the audit log, and commit.

What would change an archived period is refused as a whole, in step 2: an operator can bring the period back first.

Redis is told afterwards, by this process or, if it dies, by the next sweep (`common/services/showing.py`). Whoever
hears of closed periods is to be told in step 4, once there are such.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from common.contract.errors import MAX_PROBLEMS, ErrorCode, ErrorDetails, PeriodOfBoard, ScoreboardError
from common.domain.corrections import Span, Told
from common.domain.pagination import Position
from common.domain.standing import BoardId, StandingKey
from common.postgres import archives, audit, checkpoint, ledger, period_closing, recounts, standings, step_counts, voids
from common.postgres.audit import Actor
from common.postgres.misfits import sqlstate
from common.postgres.recounts import Moved
from common.postgres.voids import Void
from common.redis_store.board import Board
from common.redis_store.inbox import Inbox
from common.services import showing, unlock_news

log = structlog.get_logger(__name__)

TIMEOUT_MS = 5_000
"""The limit of one statement while every batch waits."""

_BOUND = text("SELECT set_config('statement_timeout', :ms, true)")
_OUT_OF_RANGE = ("22003", "23514")
"""SQLSTATE codes: a sum that is no bigint any more, or a score that a table's CHECK refuses."""

_Choose = Callable[[Connection], Sequence[int]]


class CorrectedEvent(NamedTuple):
    """A ledger row after a correction: whose it is, its void, None if it counts, and the standings that changed.

    `is_new`: it was not so before.
    """

    event_id: int
    user_id: str
    void: Void | None
    moved: Sequence[Moved]
    is_new: bool


class Corrected(NamedTuple):
    """How many updates a correction made void, or count again, and the standings that changed."""

    events: int
    moved: Sequence[Moved]


class Ranked(NamedTuple):
    """A standing that a correction would change, with its rank before and after; None where it is on no board."""

    moved: Moved
    rank_before: int | None
    rank_after: int | None


class _Correction(NamedTuple):
    """Which ledger rows, of which players, are voided or `restores`; `subject` and `details` are for the audit log."""

    user_ids: Sequence[str]
    choose: _Choose
    restores: bool
    told: Told
    actor: Actor
    subject: str
    details: dict[str, object]


class Corrector:
    """Corrects scores. `timeout_ms` bounds each statement of a correction.

    Unless it is `is_bounded`, players may have any number of updates, and batches wait for as long as that takes.
    """

    def __init__(
        self, engine: Engine, board: Board, inbox: Inbox, timeout_ms: int = TIMEOUT_MS, *, is_bounded: bool = True
    ) -> None:
        self._is_bounded = is_bounded
        self._engine = engine
        self._board = board
        self._inbox = inbox
        self._timeout_ms = timeout_ms

    def void_event(self, event_id: int, told: Told, actor: Actor) -> CorrectedEvent:
        """Let a ledger row count nowhere from now on. Safe to repeat: the first reason stays.

        Raises `not_found`, `nothing_to_void` for a refused update, `too_many_events`, `period_archived`, and
        SQLAlchemyError with nothing changed. If Redis is away, or goes away in the middle, a worker updates it.
        """
        return self._correct_event(event_id, told, actor, restores=False)

    def restore_event(self, event_id: int, told: Told, actor: Actor) -> CorrectedEvent:
        """Let a ledger row count again. Safe to repeat. Raises as `void_event` does, and `score_out_of_range`."""
        return self._correct_event(event_id, told, actor, restores=True)

    def correct_span(
        self, user_ids: Sequence[str], span: Span, told: Told, actor: Actor, *, restores: bool = False
    ) -> Corrected:
        """Void the updates of these players in a span of time, or let them count again. Safe to repeat.

        The caller has looked whether there are too many (`refuse_many_events`). Raises as `void_event` does otherwise.
        """
        done = self.correct_span_unseen(user_ids, span, told, actor, restores=restores)
        self.show(user_ids if done.events else ())
        return done

    def correct_span_unseen(
        self, user_ids: Sequence[str], span: Span, told: Told, actor: Actor, *, restores: bool = False
    ) -> Corrected:
        """Do the same, without a word to Redis: the caller shows it, or the next sweeps do."""
        return self._correct(_of_span(user_ids, span, told, actor, restores=restores))

    def preview_span(
        self, user_id: str, span: Span, told: Told, *, restores: bool = False
    ) -> tuple[Corrected, list[Ranked]]:
        """Return what `correct_span` would do for a player, with the ranks of one instant. Nothing changes."""
        correction = _of_span([user_id], span, told, Actor("nobody"), restores=restores)
        repeatable = self._engine.connect().execution_options(isolation_level="REPEATABLE READ")
        with _exact_scores(), repeatable as connection:
            written = connection.begin_nested()
            event_ids = _write(connection, correction)
            moved = recounts.preview(connection, [user_id], event_ids) if event_ids else []
            written.rollback()  # before the ranks are counted: nobody waits for these rows meanwhile
            ranked = [_ranked(connection, each) for each in moved]
        return Corrected(len(event_ids), moved), ranked

    def refuse_many_events(self, user_id: str) -> None:
        """Raise `too_many_events` for a player whose recount would make batches wait for too long."""
        with self._engine.connect() as connection:
            self._refuse_many_events(connection, user_id)

    def _refuse_many_events(self, connection: Connection, user_id: str) -> None:
        if self._is_bounded and voids.has_many_events(connection, user_id):
            raise ScoreboardError(ErrorCode.TOO_MANY_EVENTS)

    def show(self, user_ids: Iterable[str]) -> None:
        """Show in Redis what was corrected of these players."""
        for user_id in user_ids:
            showing.show_if_possible(self._engine, self._board, self._inbox, user_id)

    def _correct_event(self, event_id: int, told: Told, actor: Actor, *, restores: bool) -> CorrectedEvent:
        with self._engine.connect() as connection:
            found = voids.find_event(connection, event_id)
            if found is None:
                raise ScoreboardError(ErrorCode.NOT_FOUND, "There is no such event.")
            if found.is_refused:
                raise ScoreboardError(ErrorCode.NOTHING_TO_VOID)
            self._refuse_many_events(connection, found.user_id)
        user_ids, details = [found.user_id], {"event": event_id}
        done = self._correct(
            _Correction(user_ids, lambda _: [event_id], restores, told, actor, found.user_id, {**details})
        )
        self.show(user_ids if done.events else ())
        with self._engine.connect() as connection:
            void = voids.read(connection, event_id)
        return CorrectedEvent(event_id, found.user_id, void, done.moved, done.events > 0)

    def _correct(self, correction: _Correction) -> Corrected:
        """Carry out a correction in one transaction."""
        with _exact_scores(), self._engine.begin() as connection:
            connection.execute(_BOUND, {"ms": str(self._timeout_ms)})
            included = checkpoint.hold(connection)
            ledger.lock_exclusive(connection)
            event_ids = _write(connection, correction)
            if not event_ids:
                return Corrected(0, [])
            moved = recounts.recount(connection, correction.user_ids, event_ids, included)
            unlocked = step_counts.recount(connection, correction.user_ids, event_ids, included)
            showing.mark_behind(connection, {each.key.user_id for each in moved})
            action = "restore_events" if correction.restores else "void_events"
            told = {"events": len(event_ids), "amend_closed": correction.told.amends, "reason": correction.told.reason}
            audit.add(connection, correction.actor, action, correction.subject, **correction.details, **told)
            record_amendments(connection, {each.key.board for each in moved}, correction.actor, correction.told.reason)
        unlock_news.announce(self._inbox, unlocked)
        if correction.restores:
            log.info("updates_restored", actor=correction.actor.name, updates=len(event_ids), rows=len(moved))
        else:
            log.info("updates_voided", actor=correction.actor.name, updates=len(event_ids), rows=len(moved))
        return Corrected(len(event_ids), moved)


def record_amendments(connection: Connection, boards: Collection[BoardId], actor: Actor, reason: str) -> None:
    """Count the revisions of those of these periods that are closed, and record each in the audit log."""
    for board_id, period_id, revision in period_closing.amend(connection, boards):
        told = {"period": period_id, "revision": revision, "reason": reason}
        audit.add(connection, actor, "amend_period", board_id, **told)


def refuse_to_change(periods: Collection[BoardId]) -> None:
    """Raise `period_archived` if there are any of these archived periods, which a correction would change."""
    if not periods:
        return
    named = sorted(periods, key=lambda board: (board[1], board[0]))
    first, *others = (f"{period} of {board}" for board, period in named)
    more = f" and {len(others)} more days" if others else ""
    message = f"This would change {first}{more}, which is archived. Bring it back first: `scoreboard periods restore`."
    told: list[PeriodOfBoard] = [{"board": board, "period": period} for board, period in named[:MAX_PROBLEMS]]
    raise ScoreboardError(ErrorCode.PERIOD_ARCHIVED, message, details=ErrorDetails(periods=told))


def _of_span(user_ids: Sequence[str], span: Span, told: Told, actor: Actor, *, restores: bool) -> _Correction:
    def choose(connection: Connection) -> list[int]:
        return voids.in_span(connection, user_ids, span)

    of_one = len(user_ids) == 1
    details: dict[str, object] = {
        "from": span.since.isoformat(),
        "to": span.until.isoformat(),
        "of_action": span.action_id,
        **({} if of_one else {"players": len(user_ids)}),
    }
    subject = user_ids[0] if of_one else span.action_id or "everybody"
    return _Correction(user_ids, choose, restores, told, actor, subject, details)


def _write(connection: Connection, correction: _Correction) -> list[int]:
    """Write which ledger rows are void, and return those of which that is new. Raises `period_archived`."""
    event_ids, amends = correction.choose(connection), correction.told.amends
    if amends is False or (amends is None and not correction.restores):
        return _write_chosen(connection, correction, event_ids)
    before = archives.counted(connection, event_ids)
    changed = _write_chosen(connection, correction, event_ids)
    moved = before ^ archives.counted(connection, event_ids)
    refuse_to_change({(board_id, period_id) for _, board_id, period_id in moved})
    return changed


def _write_chosen(connection: Connection, correction: _Correction, event_ids: Sequence[int]) -> list[int]:
    told = correction.told
    if correction.restores:
        return voids.remove(connection, event_ids, amends=told.amends)
    actor = correction.actor.name
    return voids.add(connection, event_ids, actor=actor, reason=told.reason, amends=bool(told.amends))


def _ranked(connection: Connection, moved: Moved) -> Ranked:
    def rank(key: StandingKey, position: Position | None) -> int | None:
        if position is None or moved.is_hidden:
            return None
        return standings.rank_of(connection, *key, position)

    return Ranked(moved, rank(moved.key, moved.before), rank(moved.key, moved.after))


@contextmanager
def _exact_scores() -> Iterator[None]:
    """Raise `score_out_of_range` where a recount leaves the exact integers."""
    try:
        yield
    except DBAPIError as error:
        if sqlstate(error) in _OUT_OF_RANGE:
            raise ScoreboardError(ErrorCode.SCORE_OUT_OF_RANGE) from error
        raise
