"""Taking in a game server's batch: each update by itself, and all of them in a handful of round trips."""

from collections.abc import Iterable, Mapping, Sequence

from common import ledger, usernames
from common.errors import ErrorCode, ScoreboardError
from common.inbox import InboxFullError, Update
from common.records import UpdateKey
from common.schemas import Claim
from common.wire import BatchAccepted, BatchRefusal
from web import updates
from web.parsing import validated
from web.services import Services

Claims = Mapping[int, Claim]
"""By their place in the batch."""


class Verdicts:
    """What becomes of each update of one batch."""

    def __init__(self) -> None:
        self.accepted = 0
        self.replayed = 0
        self._refused: dict[int, ScoreboardError] = {}

    def refuse(self, index: int, error: ScoreboardError) -> None:
        self._refused[index] = error

    def known(self, index: int, claim: Claim, action_id: str) -> None:
        """The key was used before, for this action."""
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


def submit(services: Services, items: Sequence[object], request_id: str) -> BatchAccepted:
    """Accept what can be accepted. Raises `dependency_unavailable` when the inbox has no room for all of it."""
    verdicts = Verdicts()
    claims = _of_good_users(services, _read(items, verdicts), verdicts)
    problems = {
        index: problem for index, claim in claims.items() if (problem := updates.problem_of_new(services, claim))
    }
    _settle_late(services, {index: claims[index] for index in problems}, problems, verdicts)
    _accept(services, {index: claim for index, claim in claims.items() if index not in problems}, request_id, verdicts)
    return verdicts.to_wire()


def _read(items: Iterable[object], verdicts: Verdicts) -> Claims:
    claims = {}
    for index, item in enumerate(items):
        try:
            claims[index] = validated(Claim, item)
        except ScoreboardError as error:
            verdicts.refuse(index, error)
    return claims


def _of_good_users(services: Services, claims: Claims, verdicts: Verdicts) -> Claims:
    """Those whose users exist and are not suspended."""
    with services.engine.connect() as connection:
        names = usernames.find(connection, {claim.user_id.lower() for claim in claims.values()})
        suspended = usernames.suspended(connection, names)
    good = {}
    for index, claim in claims.items():
        user_id = claim.user_id.lower()
        if user_id not in names:
            verdicts.refuse(index, ScoreboardError(ErrorCode.UNKNOWN_USER, f"There is no user {claim.user_id}."))
        elif user_id in suspended:
            verdicts.refuse(index, ScoreboardError(ErrorCode.ACCOUNT_SUSPENDED, "This account is suspended."))
        else:
            good[index] = claim
    return good


def _settle_late(
    services: Services, claims: Claims, problems: Mapping[int, ScoreboardError], verdicts: Verdicts
) -> None:
    """Updates that could not be accepted now: those that were accepted before have their outcome all the same."""
    if not claims:
        return
    update_keys = [_key(claim) for claim in claims.values()]
    with services.engine.connect() as connection:
        rows = ledger.find(connection, update_keys)
    actions = {key: row.action_id for key, row in rows.items()}
    for key, receipt in zip(update_keys, services.inbox.receipts(update_keys), strict=True):
        if receipt:
            actions[key] = receipt["update"]["actionId"]
    for index, claim in claims.items():
        action_id = actions.get(_key(claim))
        if action_id is None:
            verdicts.refuse(index, problems[index])
        else:
            verdicts.known(index, claim, action_id)


def _accept(services: Services, claims: Claims, request_id: str, verdicts: Verdicts) -> None:
    if not claims:
        return
    try:
        ring, receipts = services.inbox.accept_all([_update(claim, request_id) for claim in claims.values()])
    except InboxFullError:
        raise updates.inbox_is_full() from None
    if ring:
        services.doorbell.ring()
    for (index, claim), receipt in zip(claims.items(), receipts, strict=True):
        if receipt:
            verdicts.known(index, claim, receipt["update"]["actionId"])
        else:
            verdicts.accepted += 1


def _update(claim: Claim, request_id: str) -> Update:
    user_id, key = _key(claim)
    return Update(user_id, claim.action_id, key, claim.timestamp, request_id, None)


def _key(claim: Claim) -> UpdateKey:
    return claim.user_id.lower(), claim.idempotency_key


def _sentence(error: ScoreboardError) -> str:
    """The message, and what is wrong with which field."""
    fields = (error.details or {}).get("fields", [])
    problems = "; ".join(f"{problem['field'] or 'update'}: {problem['message']}" for problem in fields)
    return f"{error.message} {problems}".strip()
