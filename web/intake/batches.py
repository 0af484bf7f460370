"""Accepting a game server's batch: each update is judged by itself, and all of them take a handful of round trips."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from common.contract.errors import ErrorCode, ScoreboardError
from common.contract.requests import Claim
from common.contract.responses import BatchAccepted, BatchRefusal
from common.core import deadlines
from common.domain.inbox_entries import Update
from common.domain.ledger_row import UpdateKey
from common.postgres import ledger, users
from common.redis_store.inbox import InboxFullError
from web.api.parsing import validated
from web.intake import updates
from web.services import Services

_ACCEPTED_OR_NOT = "All its good updates may have been accepted, or none; send it again with the same keys."

Claims = Mapping[int, Claim]
"""Claims by their index in the batch, from 0."""


class Sender(NamedTuple):
    """The sender of a batch: the API key, and the id of the request."""

    api_key_id: str
    request_id: str


class Verdicts:
    """The outcome of each update of one batch."""

    def __init__(self) -> None:
        self.accepted = 0
        self.replayed = 0
        self._refused: dict[int, ScoreboardError] = {}

    def refuse(self, index: int, error: ScoreboardError) -> None:
        self._refused[index] = error

    def known(self, index: int, claim: Claim, action_id: str) -> None:
        """Count an update whose key was used before: a replay, or a refusal if it was used for another action."""
        if action_id == claim.action_id:
            self.replayed += 1
        else:
            self.refuse(index, updates.reused_key())

    def to_wire(self) -> BatchAccepted:
        refused: list[BatchRefusal] = [
            {"index": index, "code": error.code, "message": _sentence(error)}
            for index, error in sorted(self._refused.items())
        ]
        return {"accepted": self.accepted, "replayed": self.replayed, "refused": refused}


def submit(services: Services, items: Sequence[object], sender: Sender) -> BatchAccepted:
    """Accept all valid new updates of a batch in one step, or none of them.


    Raises `dependency_unavailable` when the inbox has no room for all of it.
    """
    verdicts = Verdicts()
    claims = _not_recorded(services, _of_active_users(services, _read(items, verdicts), verdicts), verdicts)
    problems = {
        index: problem for index, claim in claims.items() if (problem := updates.problem_of_new(services, claim))
    }
    _resolve_refused(services, {index: claims[index] for index in problems}, problems, verdicts)
    _accept(services, {index: claim for index, claim in claims.items() if index not in problems}, sender, verdicts)
    return verdicts.to_wire()


def _read(items: Iterable[object], verdicts: Verdicts) -> Claims:
    claims = {}
    for index, item in enumerate(items):
        try:
            claims[index] = validated(Claim, item)
        except ScoreboardError as error:
            verdicts.refuse(index, error)
    return claims


def _of_active_users(services: Services, claims: Claims, verdicts: Verdicts) -> Claims:
    """Return the claims whose users exist and are not suspended; refuse the others."""
    with services.engine.connect() as connection:
        present = users.find_present(connection, {claim.user_id.lower() for claim in claims.values()})
        suspended = users.find_suspended(connection, present)
    good = {}
    for index, claim in claims.items():
        user_id = claim.user_id.lower()
        if user_id not in present:
            verdicts.refuse(index, ScoreboardError(ErrorCode.UNKNOWN_USER, f"There is no user {claim.user_id}."))
        elif user_id in suspended:
            verdicts.refuse(index, ScoreboardError(ErrorCode.ACCOUNT_SUSPENDED))
        else:
            good[index] = claim
    return good


def _not_recorded(services: Services, claims: Claims, verdicts: Verdicts) -> Claims:
    """Return the claims that are not in the ledger.

    The ledger is permanent; Redis remembers a key for an hour, or until it is emptied.
    """
    with services.engine.connect() as connection:
        rows = ledger.find(connection, {_key(claim) for claim in claims.values()})
    unknown = {}
    for index, claim in claims.items():
        row = rows.get(_key(claim))
        if row:
            verdicts.known(index, claim, row.action_id)
        else:
            unknown[index] = claim
    return unknown


def _resolve_refused(
    services: Services, claims: Claims, problems: Mapping[int, ScoreboardError], verdicts: Verdicts
) -> None:
    """Resolve updates that cannot be accepted now: one that was accepted before counts as a replay."""
    receipts = services.inbox.receipts([_key(claim) for claim in claims.values()])
    for (index, claim), receipt in zip(claims.items(), receipts, strict=True):
        if receipt:
            verdicts.known(index, claim, receipt["update"]["actionId"])
        else:
            verdicts.refuse(index, problems[index])


def _accept(services: Services, claims: Claims, sender: Sender, verdicts: Verdicts) -> None:
    if not claims:
        return
    try:
        with deadlines.effect(_ACCEPTED_OR_NOT):
            ring, receipts = services.inbox.accept_all([_update(claim, sender) for claim in claims.values()])
    except InboxFullError:
        raise updates.inbox_is_full() from None
    if ring:
        services.doorbell.ring()
    for (index, claim), receipt in zip(claims.items(), receipts, strict=True):
        if receipt:
            verdicts.known(index, claim, receipt["update"]["actionId"])
        else:
            verdicts.accepted += 1


def _update(claim: Claim, sender: Sender) -> Update:
    user_id, key = _key(claim)
    return Update(user_id, claim.action_id, key, claim.timestamp, sender.request_id, None, sender.api_key_id)


def _key(claim: Claim) -> UpdateKey:
    return claim.user_id.lower(), claim.idempotency_key


def _sentence(error: ScoreboardError) -> str:
    """Return the message of an error with the problem of each field."""
    fields = (error.details or {}).get("fields", [])
    problems = "; ".join(f"{problem['field'] or 'update'}: {problem['message']}" for problem in fields)
    return f"{error.message} {problems}".strip()
