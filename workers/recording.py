"""Recording a batch in one transaction: ledger rows and standings. All of it is committed, or none.

1. Begin, share the ledger's lock, and look up, in one round trip: the players, the periods, and whether updates of the
   batch are recorded already (a redelivery, or a replay that Redis forgot).
2. Decide the others by the catalogue and the rules of their actions, and number them in stream order.
3. Fold them into one part per standing, but for closed periods, and merge the parts by the rules of their boards; the
   rows' locks are taken in one global order. A row that a rule keeps as it was is read.
4. If there are achievements, add the steps towards them, and unlock what is reached (`workers/unlocking.py`).
5. Add the ledger rows, each with the score that its update led to, and commit. If another worker has recorded one of
   them meanwhile, the whole transaction is rolled back and begun again.

A plain batch takes three round trips to PostgreSQL: the first look, the merge, and the rows with COMMIT. Rules,
achievements, repeats, new periods and updates that count nothing take more.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import structlog
from sqlalchemy import Connection

from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.contract.errors import ErrorCode
from common.core.timestamps import parse_instant
from common.domain import claims, rules
from common.domain.achievements import Unlock
from common.domain.boards import Board
from common.domain.inbox_entries import Delivery, Update
from common.domain.ledger_row import LedgerRow, UpdateKey
from common.domain.parts import Event, Part
from common.domain.scoring import Action, Catalogue, fold, scores_after
from common.domain.standing import BoardId, Standing, StandingKey
from common.postgres import batch, ledger, parts, period_closing, standings
from common.postgres.batch import LookUp
from workers import unlocking
from workers.faults import UnusableUpdateError

log = structlog.get_logger(__name__)

_NOTHING = Action("", 0, 0, ())
_SCORE_AFTER = LedgerRow._fields.index("score_after")


class UnknownUserError(UnusableUpdateError):
    """The inbox holds an update of a user that does not exist."""


class OutdatedCatalogueError(Exception):
    """What counts towards achievements has changed since this process has read the catalogue.

    The caller rolls back, reads it anew, and starts again.
    """


@dataclass(frozen=True)
class Recorded:
    """The state of the database after a batch. `standings` has every row that the batch touched, changed or not.

    `catalogue` is the one by which it was recorded. `unlocked` has what the updates of the batch have unlocked, by this
    transaction or, where they are repeated, by an earlier one; the first `newly` of these are of this one.
    """

    rows: Mapping[UpdateKey, LedgerRow]
    fresh: frozenset[UpdateKey]
    standings: Sequence[Standing]
    usernames: Mapping[str, str]
    catalogue: Catalogue
    unlocked: Sequence[Unlock] = ()
    newly: int = 0

    @cached_property
    def changed_at(self) -> Mapping[str, int]:
        """The instants (ms) at which the players' all-time standings on the default board last changed, by user id."""
        of_default = (DEFAULT_BOARD, ALL_TIME)
        return {
            row.key.user_id: row.updated_at
            for row in self.standings
            if row.key.board == of_default and not row.is_empty
        }

    @cached_property
    def by_key(self) -> Mapping[StandingKey, Standing]:
        return {row.key: row for row in self.standings}

    def boards_of(self, row: LedgerRow) -> tuple[str, ...]:
        """Return the boards on which an update of this batch counts."""
        return _boards(row, self.catalogue)


def record(
    connection: Connection,
    deliveries: Sequence[Delivery],
    catalogue: Catalogue,
    refusal: ErrorCode | None = None,
    lock_wait_ms: int | None = None,
) -> Recorded:
    """Record a batch in the caller's `batch.transaction`: begin it, and commit it with the last statement.

    With `refusal`, every fresh update counts nothing; with `lock_wait_ms`, no lock is waited for longer than that.
    Raises UnusableUpdateError, OutdatedCatalogueError, ledger.AlreadyRecordedError or NotPreparedError; the caller then
    rolls back.
    """
    sent: dict[UpdateKey, Delivery] = {}
    for delivery in deliveries:
        sent.setdefault(_key(delivery), delivery)
    may_change = _calendar_periods(sent.values(), catalogue)
    known = batch.look_up(connection, sent, may_change, _ids_at_once(sent.values(), catalogue), lock_wait_ms)
    if len(known.usernames) != len({user_id for user_id, _ in sent}):
        raise UnknownUserError("a user of this batch does not exist")
    if known.achievements_version != catalogue.achievements_version:
        raise OutdatedCatalogueError
    repeated = ledger.find(connection, sent) if known.repeats else {}
    fresh = [delivery for key, delivery in sent.items() if key not in repeated] if repeated else list(sent.values())
    drafts = _draft(connection, fresh, known, catalogue, refusal)

    events = [_event(row, catalogue) for row in drafts]
    folded = fold(events, catalogue.boards)
    merging = _of_open_periods(connection, folded, known.periods)
    merged = parts.merge(
        connection, merging, catalogue.boards, known.now, known.hidden, disqualified=known.disqualified
    )
    unmoved = drafts if len(merging) < len(folded) else [row for row in drafts if not _moves_default(row, catalogue)]
    touched = _touched(unmoved, catalogue)
    if repeated:  # by the ledger, since its action may be another one by now
        touched |= parts.touched_by(connection, [row.id for row in repeated.values()])
        touched |= {StandingKey(DEFAULT_BOARD, ALL_TIME, row.user_id) for row in repeated.values()}
    if len(merged) < len(merging):
        touched |= merging.keys()  # the rule of a board kept what was there
    touched -= {row.key for row in merged} if touched else set()
    absolute = [*merged, *standings.read(connection, touched)] if touched else merged

    new: list[Unlock] = []
    again: list[Unlock] = []
    if catalogue.achievements:
        new = unlocking.unlock(connection, drafts, merging=merging, merged=merged, catalogue=catalogue, known=known)
        again = unlocking.unlocked_by(connection, repeated.values()) if repeated else []

    scored = _with_scores(drafts, events, absolute)
    if scored:
        ledger.add_and_commit(connection, scored)
    else:
        batch.commit(connection)
    rows = {row.key: row for row in scored}
    fresh_keys, unlocked = frozenset(rows), (*new, *again)
    return Recorded({**repeated, **rows}, fresh_keys, absolute, known.usernames, catalogue, unlocked, len(new))


def _calendar_periods(deliveries: Iterable[Delivery], catalogue: Catalogue) -> set[BoardId]:
    """Return every calendar period of a board that these updates may change."""
    changes = {
        (boards, delivery.accepted_at)
        for delivery in deliveries
        if (boards := catalogue.actions.get(delivery.update.action_id, _NOTHING).boards)
    }
    return {
        (board_id, period_id)
        for boards, accepted_at in changes
        for board_id in boards
        for period_id in catalogue.periods_of(board_id, accepted_at)
        if period_id != ALL_TIME
    }


def _ids_at_once(deliveries: Collection[Delivery], catalogue: Catalogue) -> int:
    """Return how many ledger ids to reserve with the first look: none if an action has rules.

    Those are reserved once the players are locked, so that the uses of a player have ids in the order of judgement.
    """
    actions = {delivery.update.action_id for delivery in deliveries}
    has_rules = any(catalogue.actions.get(action_id, _NOTHING).has_rules for action_id in actions)
    return 0 if has_rules else len(deliveries)


def _of_open_periods(
    connection: Connection, folded: dict[StandingKey, Part], known: Mapping[BoardId, bool]
) -> dict[StandingKey, Part]:
    """Remove the parts of closed periods, which only a clock or a Redis server that was set back can cause.

    Periods that are not known yet are recorded as open.
    """
    dated = {key.board for key in folded if key.period_id != ALL_TIME}
    period_closing.list_open(connection, dated - known.keys())
    closed = {board for board in dated if known.get(board)}
    if not closed:
        return folded
    log.warning("closed_period_not_changed", periods=sorted(closed))
    return {key: part for key, part in folded.items() if key.board not in closed}


def _key(delivery: Delivery) -> UpdateKey:
    return delivery.update.user_id, delivery.update.idempotency_key


def _draft(
    connection: Connection,
    fresh: Sequence[Delivery],
    known: LookUp,
    catalogue: Catalogue,
    refusal: ErrorCode | None,
) -> list[LedgerRow]:
    """Return ledger rows for fresh updates, numbered in stream order; their scores are not known yet."""
    if not fresh:
        return []
    uses = ledger.lock_uses(connection, _windows(fresh, catalogue))
    ids = known.ids or ledger.reserve(connection, len(fresh))[1]
    rows = []
    for ledger_id, delivery in zip(ids, fresh, strict=False):
        update = delivery.update
        action = catalogue.actions.get(update.action_id)
        of_player = uses.get((update.user_id, update.action_id), [])
        left_out = rules.left_out(action, delivery.accepted_at, catalogue.bounded) if action else {}
        refused = refusal or _judge(action, delivery, of_player, left_out, catalogue.boards)
        counts_towards_limits = action is not None and action.has_rules and not refused
        if counts_towards_limits:
            of_player.append(delivery.accepted_at)
        rows.append(
            LedgerRow(
                id=ledger_id,
                user_id=update.user_id,
                idempotency_key=update.idempotency_key,
                action_id=update.action_id,
                action_version=action.version if action else None,
                points=claims.points_of(action, update.value) if action and not refused else 0,
                refusal=refused,
                score_after=0,
                occurred_at=_occurred_at(update),
                accepted_at=delivery.accepted_at,
                recorded_at=known.now,
                counts_towards_limits=counts_towards_limits,
                source=update.source,
                left_out=tuple(left_out) if left_out and not refused else None,
                second=0 if refused else update.second or 0,
            )
        )
    return rows


def _occurred_at(update: Update) -> datetime:
    try:
        return parse_instant(update.occurred_at)
    except ValueError as error:
        raise UnusableUpdateError(f"occurred_at: {error}") from error


def _windows(fresh: Iterable[Delivery], catalogue: Catalogue) -> dict[tuple[str, str], rules.Window]:
    """Return the windows in which uses of actions with rules matter for these updates, by (user id, action id)."""
    windows: dict[tuple[str, str], rules.Window] = {}
    for delivery in fresh:
        action = catalogue.actions.get(delivery.update.action_id)
        if action and action.has_rules:
            use = (delivery.update.user_id, action.id)
            window = rules.window(action, delivery.accepted_at)
            windows[use] = windows[use].join(window) if use in windows else window
    return windows


def _judge(
    action: Action | None,
    delivery: Delivery,
    uses: Collection[datetime],
    left_out: Mapping[str, ErrorCode],
    boards: Mapping[str, Board],
) -> ErrorCode | None:
    """Return the reason for which an update does not count, or None. `left_out` are the boards that do not take it."""
    update = delivery.update
    if action is None:
        return ErrorCode.UNKNOWN_ACTION
    problem = claims.problem_of(action, boards, update.source, update.value, update.second)
    if problem:
        return problem.code
    return rules.refusal_of_boards(action, left_out) or rules.judge(action, delivery.accepted_at, uses)


def _event(row: LedgerRow, catalogue: Catalogue) -> Event:
    boards = _boards(row, catalogue)
    reserved = catalogue.reserved.get(row.action_id)
    return Event(row.id, row.user_id, row.points, boards, row.accepted_at, row.second, row.occurred_at, reserved)


def _boards(row: LedgerRow, catalogue: Catalogue) -> tuple[str, ...]:
    """Return the boards on which a row counts: none for one that was refused."""
    if row.refusal is not None:
        return ()
    boards = catalogue.actions.get(row.action_id, _NOTHING).boards
    return tuple(board_id for board_id in boards if board_id not in row.left_out) if row.left_out else boards


def _touched(rows: Iterable[LedgerRow], catalogue: Catalogue) -> set[StandingKey]:
    """Return every standing that the updates belong to, and each player's all-time standing on the default board."""
    keys = set()
    for row in rows:
        keys.add(StandingKey(DEFAULT_BOARD, ALL_TIME, row.user_id))
        for board_id in catalogue.actions.get(row.action_id, _NOTHING).boards:
            period_ids = catalogue.periods_of(board_id, row.accepted_at)
            keys.update(StandingKey(board_id, period, row.user_id) for period in period_ids)
    return keys


def _moves_default(row: LedgerRow, catalogue: Catalogue) -> bool:
    """Whether the update changes its player's standing on the default board, so that nothing is left to be read."""
    return row.points != 0 and DEFAULT_BOARD in _boards(row, catalogue)


def _with_scores(drafts: Sequence[LedgerRow], events: Iterable[Event], absolute: Iterable[Standing]) -> list[LedgerRow]:
    final = {row.key.user_id: row.score for row in absolute if row.key.board == (DEFAULT_BOARD, ALL_TIME)}
    after = scores_after(events, DEFAULT_BOARD, final)
    # `_replace` takes three times as long.
    return [LedgerRow._make((*row[:_SCORE_AFTER], after[row.id], *row[_SCORE_AFTER + 1 :])) for row in drafts]
