"""What becomes of each update of one batch, and how the batch is answered. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from common.contract.errors import ErrorCode, ScoreboardError, sentence_of
from common.contract.fields import is_idempotency_key
from common.contract.requests import BatchItem
from common.contract.responses import BatchAccepted, BatchRefusal, Replay
from common.domain import claims
from common.domain.ledger_row import LedgerRow, UpdateKey
from common.domain.outcomes import Outcome


class Claim(NamedTuple):
    """An item of the batch whose user is known."""

    item: BatchItem
    user_id: str

    @property
    def key(self) -> UpdateKey:
        return self.user_id, self.item.idempotency_key


Claims = Mapping[int, Claim]
"""Claims by their index in the batch, from 0."""


class Verdicts:
    """The outcome of each update of one batch."""

    def __init__(self, items: Sequence[object]) -> None:
        self._items = items
        self._accepted: dict[int, UpdateKey] = {}
        self._replayed: dict[int, tuple[UpdateKey, Outcome | LedgerRow]] = {}
        self._refused: dict[int, ScoreboardError] = {}

    @property
    def are_all_refused(self) -> bool:
        return len(self._refused) == len(self._items)

    @property
    def accepted(self) -> Collection[int]:
        """The indices of the updates that are accepted now."""
        return self._accepted.keys()

    @property
    def known_keys(self) -> Mapping[int, UpdateKey]:
        """The keys of all updates that are accepted now or were before, by index."""
        return self._accepted | {index: key for index, (key, _known) in self._replayed.items()}

    def accept(self, index: int, claim: Claim) -> None:
        self._accepted[index] = claim.key

    def refuse(self, index: int, error: ScoreboardError) -> None:
        self._refused[index] = error

    def known(self, index: int, claim: Claim, known: Outcome | LedgerRow) -> None:
        """Count an update whose key was used before: a replay, or a refusal if it was for another action or value."""
        if claims.is_repetition(known, claim.item.action_id, claim.item.value, claim.item.second):
            self._replayed[index] = claim.key, known
        else:
            self.refuse(index, ScoreboardError(ErrorCode.IDEMPOTENCY_KEY_REUSED))

    def to_wire(self) -> BatchAccepted:
        body: BatchAccepted = {
            "accepted": len(self._accepted),
            "replayed": len(self._replayed),
            "refused": [self._refusal(index, error) for index, error in sorted(self._refused.items())],
        }
        if self._replayed:
            body["replays"] = [_replay(key, known) for _index, (key, known) in sorted(self._replayed.items())]
        return body

    def _refusal(self, index: int, error: ScoreboardError) -> BatchRefusal:
        refusal: BatchRefusal = {"index": index, "code": error.code, "message": sentence_of(error)}
        item = self._items[index]
        key = item.get("idempotencyKey") if isinstance(item, dict) else None
        if isinstance(key, str) and is_idempotency_key(key):
            refusal["idempotencyKey"] = key
        return refusal


def _replay(key: UpdateKey, known: Outcome | LedgerRow) -> Replay:
    if isinstance(known, LedgerRow):
        return {"idempotencyKey": key[1], "status": "applied" if known.refusal is None else "refused"}
    return {"idempotencyKey": key[1], "status": known["status"]}
