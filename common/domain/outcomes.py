"""The outcome of an update, as clients and receipts state it. Pure."""

from typing import NotRequired

from common.contract.errors import SENTENCES, ErrorCode
from common.contract.responses import Accepted, Applied, AppliedUpdate, BoardEntry, NamedUpdate, Receipt, Refused
from common.core.timestamps import format_milliseconds, to_milliseconds
from common.domain.entries import place_on_the_wire
from common.domain.ledger_row import LedgerRow

_WHEN_APPLIED = {
    ErrorCode.UNKNOWN_ACTION: "The action was withdrawn before the update was applied.",
    ErrorCode.INTERNAL_ERROR: "The update could not be applied and is kept aside for the operator.",
}
"""What a refusal says of an update that was accepted before, where it is not the sentence of its code."""


class Pending(Accepted):
    """The outcome of an update that is accepted and not applied yet. `nonce` identifies its request.

    `value` and `second` are what the update came with, by which a repetition is known.
    """

    nonce: str
    value: NotRequired[int]
    second: NotRequired[int]


Outcome = Pending | Applied | Refused
"""A receipt."""


def accepted(
    user_id: str,
    action_id: str,
    idempotency_key: str,
    nonce: str,
    *,
    value: int | None = None,
    second: int | None = None,
) -> Pending:
    update = _named(user_id, action_id, idempotency_key)
    pending: Pending = {"status": "accepted", "update": update, "nonce": nonce}
    if value is not None:
        pending["value"] = value
    if second is not None:
        pending["second"] = second
    return pending


def recorded(
    row: LedgerRow,
    username: str,
    rank: int | None,
    changed_at: int | None,
    previous_rank: int | None = None,
    *,
    entries: list[BoardEntry] | None = None,
) -> Outcome:
    """Return the outcome of a recorded update.


    `rank` is the player's rank on the default board, and `changed_at` (ms) when their standing there last changed: an
    update of 0 points changes none, and a player who has never scored has none. `entries` are for a request that waits.
    """
    named = _named(row.user_id, row.action_id, row.idempotency_key)
    if row.refusal is not None:
        return refused(named, ErrorCode(row.refusal))
    recorded_at = to_milliseconds(row.recorded_at)
    update: AppliedUpdate = {
        "userId": row.user_id,
        "actionId": row.action_id,
        "idempotencyKey": row.idempotency_key,
        "points": row.points,
        "appliedAt": format_milliseconds(recorded_at),
    }
    if row.second:
        update["second"] = row.second
    updated_at = None if changed_at is None else min(changed_at, recorded_at)
    entry = place_on_the_wire(row.user_id, username, row.score_after, rank, updated_at)
    outcome: Applied = {"status": "applied", "update": update, "entry": entry, "previousRank": previous_rank}
    if entries is not None:
        outcome["entries"] = entries
    return outcome


def quarantined(user_id: str, action_id: str, idempotency_key: str) -> Refused:
    """Return the outcome of a quarantined update."""
    return refused(_named(user_id, action_id, idempotency_key), ErrorCode.INTERNAL_ERROR)


def refused(update: NamedUpdate, code: ErrorCode) -> Refused:
    return {
        "status": "refused",
        "update": update,
        "error": {"code": code, "message": _WHEN_APPLIED.get(code, SENTENCES[code])},
    }


def receipt(outcome: Outcome) -> Receipt:
    """Return the part of an outcome that a client sees."""
    if outcome["status"] == "accepted":
        return {"status": "accepted", "update": outcome["update"]}
    return outcome


def _named(user_id: str, action_id: str, idempotency_key: str) -> NamedUpdate:
    return {"userId": user_id, "actionId": action_id, "idempotencyKey": idempotency_key}
