"""What became of an update, as clients and receipts say it. Pure."""

from typing import Literal, TypedDict

from common.entries import entry_on_the_wire
from common.errors import ErrorCode
from common.records import LedgerRow
from common.timestamps import format_instant, to_milliseconds

_REFUSALS = {
    ErrorCode.UNKNOWN_ACTION: "The action was withdrawn before the update was applied.",
    ErrorCode.SCORE_OUT_OF_RANGE: "The player's total would leave the range of ±(2^53-1).",
    ErrorCode.INTERNAL_ERROR: "The update could not be applied and is kept aside for the operator.",
}


class UpdateOnTheWire(TypedDict, total=False):
    """The `update` of an answer; the last two fields are there once it is applied."""

    userId: str
    actionId: str
    idempotencyKey: str
    points: int
    appliedAt: str


class ErrorOnTheWire(TypedDict):
    code: str
    message: str


class Outcome(TypedDict, total=False):
    """A receipt. `nonce` is there while the update is only accepted, and names the request that was."""

    status: Literal["accepted", "applied", "refused"]
    update: UpdateOnTheWire
    entry: dict[str, object]
    previousRank: int | None
    error: ErrorOnTheWire
    nonce: str


def accepted(user_id: str, action_id: str, idempotency_key: str, nonce: str) -> Outcome:
    return {"status": "accepted", "update": _named(user_id, action_id, idempotency_key), "nonce": nonce}


def recorded(row: LedgerRow, username: str, rank: int | None, previous_rank: int | None = None) -> Outcome:
    """The outcome that the ledger remembers. `rank` is the player's rank on the default board."""
    update = _named(row.user_id, row.action_id, row.idempotency_key)
    if row.refusal is not None:
        return refused(update, ErrorCode(row.refusal))
    update["points"] = row.points
    update["appliedAt"] = format_instant(row.recorded_at)
    entry = entry_on_the_wire(row.user_id, username, row.score_after, rank, to_milliseconds(row.recorded_at))
    return {"status": "applied", "update": update, "entry": entry, "previousRank": previous_rank}


def set_aside(user_id: str, action_id: str, idempotency_key: str) -> Outcome:
    """The outcome of an update that went to the quarantine."""
    return refused(_named(user_id, action_id, idempotency_key), ErrorCode.INTERNAL_ERROR)


def refused(update: UpdateOnTheWire, code: ErrorCode) -> Outcome:
    return {"status": "refused", "update": update, "error": {"code": code, "message": _REFUSALS[code]}}


def _named(user_id: str, action_id: str, idempotency_key: str) -> UpdateOnTheWire:
    return {"userId": user_id, "actionId": action_id, "idempotencyKey": idempotency_key}
