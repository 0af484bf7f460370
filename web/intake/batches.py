"""Accepting a game server's batch: each update is judged by itself, and all of them take a handful of round trips."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from common.contract.errors import ErrorCode, ScoreboardError
from common.contract.requests import BatchItem
from common.contract.responses import BatchAccepted, BatchOutcomes
from common.core import deadlines
from common.domain import outcomes, rules
from common.domain.inbox_entries import Update
from common.domain.outcomes import Outcome
from common.domain.permissions import SUBMITTING, Permissions
from common.postgres import ledger
from common.redis_store.inbox import InboxFullError
from web.api.parsing import validated
from web.intake import batch_players, receipts, updates
from web.intake.batch_players import Players
from web.intake.replies import Waiter
from web.intake.updates import DUPLICATE_POLL_SECONDS
from web.intake.verdicts import Claim, Claims, Verdicts
from web.services import Services

_ACCEPTED_OR_NOT = "All its good updates may have been accepted, or none; send it again with the same keys."


class Sender(NamedTuple):
    """The sender of a batch: the API key, what it may do, the id of the request, and what it asks for.

    `creates_players`: external ids that are new get players. `wait_seconds`: so long it waits for the outcomes.
    """

    api_key_id: str
    request_id: str
    permissions: Permissions = SUBMITTING
    creates_players: bool = False
    wait_seconds: float = 0.0


class BatchResult(NamedTuple):
    """What a batch is answered."""

    status: int
    body: BatchAccepted | BatchOutcomes


def submit(services: Services, items: Sequence[object], sender: Sender) -> BatchResult:
    """Accept all valid new updates of a batch in one step, or none of them, and wait for the outcomes if asked to.

    Raises `dependency_unavailable` when the inbox has no room for all of it.
    """
    verdicts = Verdicts(items)
    good = _allowed(sender.permissions, _read(items, verdicts), verdicts)
    problems = {index: problem for index, item in good.items() if (problem := _problem(services, item, sender))}
    players = _players(services, sender, good, problems)
    claims = _not_recorded(services, _named(players, good, verdicts), verdicts)
    _resolve_refused(services, claims, problems, verdicts)
    new = {index: claim for index, claim in claims.items() if index not in problems}
    if not sender.wait_seconds:
        _accept(services, new, sender, verdicts, players)
        return BatchResult(400 if verdicts.are_all_refused else 202, verdicts.to_wire())
    deadline = time.monotonic() + sender.wait_seconds
    with _expecting(services, new) as waiters:
        _accept(services, new, sender, verdicts, players)
        for index in verdicts.accepted:
            waiters[index].wait(deadline - time.monotonic())
    found = _outcomes(services, verdicts, deadline)
    told = [outcomes.receipt(outcome) if (outcome := found.get(index)) else None for index in range(len(items))]
    return BatchResult(400 if verdicts.are_all_refused else 200, {**verdicts.to_wire(), "outcomes": told})


def _read(items: Iterable[object], verdicts: Verdicts) -> Mapping[int, BatchItem]:
    good = {}
    for index, item in enumerate(items):
        try:
            good[index] = validated(BatchItem, item)
        except ScoreboardError as error:
            verdicts.refuse(index, error)
    return good


def _allowed(permissions: Permissions, items: Mapping[int, BatchItem], verdicts: Verdicts) -> Mapping[int, BatchItem]:
    """Return the items of actions that the key may claim; refuse the others."""
    good = {index: item for index, item in items.items() if permissions.may_claim(item.action_id)}
    for index in items.keys() - good.keys():
        verdicts.refuse(index, ScoreboardError(ErrorCode.ACTION_NOT_ALLOWED))
    return good


def _problem(services: Services, item: BatchItem, sender: Sender) -> ScoreboardError | None:
    """Return the error for an item that cannot be accepted as new, or None.

    Where no board of its action takes it, however different the clocks are, its key is not spent on that.
    """
    problem = updates.problem_of_new(services, item, sender.api_key_id, item.value, item.second)
    if problem:
        return problem
    catalogue = services.catalogue.current()
    refusals = rules.refusals_about(catalogue.actions[item.action_id], datetime.now(UTC), catalogue.bounded)
    return ScoreboardError(refusals.pop() or ErrorCode.BOARD_CLOSED) if None not in refusals else None


def _players(
    services: Services, sender: Sender, items: Mapping[int, BatchItem], problems: Mapping[int, ScoreboardError]
) -> Players:
    """Return the players of a batch, of which those that are new are made for good updates only."""
    to_make = (
        {item.external_id for index, item in items.items() if item.external_id and index not in problems}
        if sender.creates_players
        else ()
    )
    return batch_players.find(services, sender.permissions, items.values(), to_make)


def _named(players: Players, items: Mapping[int, BatchItem], verdicts: Verdicts) -> Claims:
    """Return the claims whose users exist, may be named and are not suspended; refuse the others."""
    good = {}
    for index, item in items.items():
        try:
            good[index] = Claim(item, players.user_of(item))
        except ScoreboardError as error:
            verdicts.refuse(index, error)
    return good


def _not_recorded(services: Services, claims: Claims, verdicts: Verdicts) -> Claims:
    """Return the claims that are not in the ledger.

    The ledger is permanent; Redis remembers a key for an hour, or until it is emptied.
    """
    with services.engine.connect() as connection:
        rows = ledger.find(connection, {claim.key for claim in claims.values()})
    unknown = {}
    for index, claim in claims.items():
        row = rows.get(claim.key)
        if row:
            verdicts.known(index, claim, row)
        else:
            unknown[index] = claim
    return unknown


def _resolve_refused(
    services: Services, claims: Claims, problems: Mapping[int, ScoreboardError], verdicts: Verdicts
) -> None:
    """Resolve updates that cannot be accepted now: one that was accepted before counts as a replay."""
    refused = {index: claim for index, claim in claims.items() if index in problems}
    stored = services.inbox.receipts([claim.key for claim in refused.values()])
    for (index, claim), receipt in zip(refused.items(), stored, strict=True):
        if receipt:
            verdicts.known(index, claim, receipt)
        else:
            verdicts.refuse(index, problems[index])


@contextmanager
def _expecting(services: Services, claims: Claims) -> Iterator[Mapping[int, Waiter]]:
    """Receive the outcomes of these claims within the block."""
    with ExitStack() as stack:
        expect = services.replies.expect
        yield {index: stack.enter_context(expect(*claim.key)) for index, claim in claims.items()}


def _accept(services: Services, claims: Claims, sender: Sender, verdicts: Verdicts, players: Players) -> None:
    if not claims:
        return
    reply_to = services.process_id if sender.wait_seconds else None
    new = [_update(claim, sender, reply_to) for claim in claims.values()]
    try:
        with deadlines.effect(_ACCEPTED_OR_NOT):
            ring, stored = services.inbox.accept_all(new)
    except InboxFullError:
        raise updates.inbox_is_full(but="its new players were made" if players.were_made else "") from None
    if ring:
        services.doorbell.ring()
    for (index, claim), receipt in zip(claims.items(), stored, strict=True):
        if receipt:
            verdicts.known(index, claim, receipt)
        else:
            verdicts.accept(index, claim)


def _outcomes(services: Services, verdicts: Verdicts, deadline: float) -> Mapping[int, Outcome]:
    """Return what is known of each update by its index. Those that others have sent are waited for, too."""
    wanted = verdicts.known_keys
    while True:
        found = receipts.look_up_all(services, tuple(wanted.values()))
        known = {index: outcome for index, outcome in zip(wanted, found, strict=True) if outcome}
        is_pending = any(outcome["status"] == "accepted" for outcome in known.values())
        if not is_pending or time.monotonic() + DUPLICATE_POLL_SECONDS > deadline:
            return known
        time.sleep(DUPLICATE_POLL_SECONDS)


def _update(claim: Claim, sender: Sender, reply_to: str | None) -> Update:
    user_id, key = claim.key
    item = claim.item
    return Update(
        user_id=user_id,
        action_id=item.action_id,
        idempotency_key=key,
        occurred_at=item.timestamp,
        request_id=sender.request_id,
        reply_to=reply_to,
        source=sender.api_key_id,
        value=item.value,
        second=item.second,
    )
