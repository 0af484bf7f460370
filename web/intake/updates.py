"""Accepting a score update: verify it, accept it exactly once, ring, and wait a moment for the outcome."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import redis

from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.contract.errors import ErrorCode, ScoreboardError
from common.contract.requests import Deed, ScoreUpdateRequest
from common.core import deadlines
from common.core.timestamps import format_instant
from common.domain import claims, outcomes, signing
from common.domain.inbox_entries import Update
from common.domain.ledger_row import PLAYER, LedgerRow
from common.domain.outcomes import Outcome
from common.domain.shown import Viewer
from common.postgres import ledger, users
from common.redis_store.inbox import Accepted, Inbox, InboxFullError, Known
from web.intake.replies import Waiter
from web.services import Services

TIMESTAMP_WINDOW = timedelta(seconds=300)
DUPLICATE_POLL_SECONDS = 0.05

ACCEPTED_OR_NOT = "It may have been accepted; send it again with the same key."


@dataclass(frozen=True)
class UpdateResult:
    """The outcome of an update. `replayed` says that an earlier request with this key counted, and not this one."""

    outcome: Outcome
    replayed: bool


def verify_signature(claim: ScoreUpdateRequest, signing_keys: Iterable[bytes]) -> None:
    """Raise `signature_invalid` unless one of the session's keys signed exactly these fields."""
    text = signing.score_update_text(claim.user_id, claim.action_id, claim.timestamp, claim.idempotency_key)
    if not any(signing.is_signed(key, text, claim.signature) for key in signing_keys):
        raise ScoreboardError(ErrorCode.SIGNATURE_INVALID)


def submit(
    services: Services, claim: ScoreUpdateRequest, request_id: str, wait_seconds: float, nonce: str | None = None
) -> UpdateResult:
    """Accept a verified claim, or find its earlier outcome, and wait for it: at most `wait_seconds` in all.

    `nonce`, if given, is of this request alone: whatever was accepted with it is not taken for an earlier request's.
    """
    problem = problem_of_new(services, claim)
    update = update_of(claim, request_id, None)
    if problem:
        return _same_action(update, _find(services, update, problem))
    return take(services, update, wait_seconds, nonce)


def take(services: Services, update: Update, wait_seconds: float, nonce: str | None = None) -> UpdateResult:
    """Accept an update that is good, or find its earlier outcome, and wait as `submit` does."""
    if deadlines.has_timed_out("postgresql"):
        wait_seconds = 0  # PostgreSQL has timed out in this request, and a worker can commit nothing either
    update = replace(update, reply_to=services.process_id if wait_seconds else None)
    deadline = time.monotonic() + wait_seconds
    with services.replies.expect(update.user_id, update.idempotency_key) as waiter:
        accepted = _accept(services.inbox, update, nonce)
        left = max(0.0, deadline - time.monotonic())  # a Redis that was slow to accept has used some of it up
        if isinstance(accepted, Known):
            return _answer_duplicate(services, update, accepted.receipt, waiter, left)
        if accepted.ring:
            services.doorbell.ring()
        return result_of_accepted(services.inbox, update, waiter, left)


def update_of(claim: ScoreUpdateRequest, request_id: str, reply_to: str | None) -> Update:
    """Return the update that a player's verified claim becomes. `reply_to` is the web process that waits for it."""
    return Update(
        user_id=claim.user_id.lower(),
        action_id=claim.action_id,
        idempotency_key=claim.idempotency_key,
        occurred_at=claim.timestamp,
        request_id=request_id,
        reply_to=reply_to,
        source=PLAYER,
    )


def look_up(services: Services, user_id: str, idempotency_key: str) -> Outcome | None:
    """Return the outcome of an update, from Redis or from the ledger; None if neither knows it."""
    receipt = services.inbox.receipt(user_id, idempotency_key)
    if receipt:
        return receipt
    with services.engine.connect() as connection:
        row = ledger.find(connection, [(user_id, idempotency_key)]).get((user_id, idempotency_key))
        names = users.find_usernames(connection, [user_id])
    return _from_ledger(services, row, names[user_id]) if row else None


def problem_of_new(
    services: Services, claim: Deed, source: str = PLAYER, value: int | None = None, second: int | None = None
) -> ScoreboardError | None:
    """Return the error for a claim that cannot be accepted as new, or None.

    A key that was used before keeps its outcome all the same.
    """
    catalogue = services.catalogue.current()
    action = catalogue.actions.get(claim.action_id)
    if action is None or action.reserved:
        return claims.unknown_action(claim.action_id)
    problem = claims.problem_of(action, catalogue.boards, source, value, second)
    if problem:
        return problem
    now = datetime.now(UTC)
    if abs(claim.occurred_at - now) > TIMESTAMP_WINDOW:
        message = f"The timestamp is more than {TIMESTAMP_WINDOW.seconds} s from the server's time."
        return ScoreboardError(ErrorCode.TIMESTAMP_OUT_OF_RANGE, message, details={"serverTime": format_instant(now)})
    return None


def reused_key() -> ScoreboardError:
    return ScoreboardError(ErrorCode.IDEMPOTENCY_KEY_REUSED)


def inbox_is_full(but: str = "") -> ScoreboardError:
    """Return the error for an inbox without room. `but` tells what was done all the same."""
    done = f"No update was accepted, but {but}" if but else "Nothing was changed"
    message = f"Too many updates wait to be applied. {done}; try again."
    return ScoreboardError(ErrorCode.DEPENDENCY_UNAVAILABLE, message, retry_after=5)


def _find(services: Services, update: Update, problem: ScoreboardError) -> UpdateResult:
    outcome = look_up(services, update.user_id, update.idempotency_key)
    if outcome is None:
        raise problem
    return UpdateResult(outcome, replayed=True)


def _accept(inbox: Inbox, update: Update, nonce: str | None) -> Accepted | Known:
    try:
        with deadlines.effect(ACCEPTED_OR_NOT):
            return inbox.accept(update, nonce)
    except InboxFullError:
        raise inbox_is_full() from None


def result_of_accepted(inbox: Inbox, update: Update, waiter: Waiter | None, wait_seconds: float) -> UpdateResult:
    """Wait for the outcome of an update that this request had accepted; without one in time, it is pending."""
    reply = waiter.wait(wait_seconds) if waiter else None
    if reply:
        return _same_action(update, UpdateResult(reply.outcome, reply.replayed))
    receipt = _receipt(inbox, update.user_id, update.idempotency_key) if wait_seconds else None
    pending = outcomes.accepted(update.user_id, update.action_id, update.idempotency_key, "")
    return _same_action(update, UpdateResult(receipt or pending, replayed=False))


def _receipt(inbox: Inbox, user_id: str, idempotency_key: str) -> Outcome | None:
    """Return the receipt of an accepted update; None if Redis is away, and then the update is still accepted."""
    try:
        return inbox.receipt(user_id, idempotency_key)
    except redis.RedisError:
        return None


def _answer_duplicate(
    services: Services, update: Update, receipt: Outcome, waiter: Waiter, wait_seconds: float
) -> UpdateResult:
    """Answer a duplicate request. While the first is pending, the receipt is read now and then."""
    deadline = time.monotonic() + wait_seconds
    while receipt["status"] == "accepted" and time.monotonic() < deadline:
        reply = waiter.wait(DUPLICATE_POLL_SECONDS)
        known = reply.outcome if reply else _receipt(services.inbox, update.user_id, update.idempotency_key)
        receipt = known or receipt
    return _same_action(update, UpdateResult(receipt, replayed=True))


def _same_action(update: Update, answer: UpdateResult) -> UpdateResult:
    if not claims.is_repetition(answer.outcome, update.action_id, update.value, update.second):
        raise reused_key()
    return answer


def _from_ledger(services: Services, row: LedgerRow, username: str) -> Outcome:
    place = services.leaderboard.place(DEFAULT_BOARD, ALL_TIME, row.user_id, Viewer.INSIDER)
    entry = place.entry if place else None
    return outcomes.recorded(row, username, entry.rank if entry else None, entry.updated_at if entry else None)
