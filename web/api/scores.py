"""The views of score updates: one claim, a batch of them, and the receipt of one."""

from flask import Blueprint, Response, g, jsonify, request

from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.contract.fields import WORDS_OF_IDEMPOTENCY_KEY, is_idempotency_key
from common.contract.requests import BatchRequest, ReceiptsRequest, ScoreUpdateRequest, UpdateQuery
from common.contract.responses import AcceptedForLater, Applied, BatchAccepted, BatchOutcomes, Receipt, Receipts
from common.domain import outcomes
from common.domain.permissions import Scope
from common.postgres import identities
from web.api.parsing import body_as, query_as
from web.guards import limits
from web.guards.access import authenticated, authenticated_or_by_api_key, by_api_key, identity, is_admin
from web.guards.api_keys import api_key, require_scope
from web.guards.errors import refuse
from web.guards.scopes import is_by_api_key
from web.intake import answers, batches, receipts, updates
from web.intake.batches import Sender
from web.intake.updates import UpdateResult
from web.reference.documented import ResponseDoc, documented
from web.reference.prose import BATCH, SIGNING
from web.services import services

blueprint = Blueprint("scores", __name__, url_prefix="/api/scores")


@blueprint.post("/update")
@documented(
    "updateScore",
    "Claim points",
    description=SIGNING,
    body=ScoreUpdateRequest,
    headers=["Prefer"],
    answers=[
        ResponseDoc(200, "Applied, and committed.", Applied, headers=["Idempotent-Replayed"]),
        ResponseDoc(202, "Accepted, and not applied yet.", AcceptedForLater, headers=["Idempotent-Replayed"]),
    ],
    errors=[
        ErrorCode.UNKNOWN_ACTION,
        ErrorCode.TIMESTAMP_OUT_OF_RANGE,
        ErrorCode.IDEMPOTENCY_KEY_REUSED,
        ErrorCode.SCORE_OUT_OF_RANGE,
        ErrorCode.SIGNATURE_INVALID,
        ErrorCode.USER_MISMATCH,
        ErrorCode.SERVER_ACTION,
        ErrorCode.ACTION_ON_COOLDOWN,
        ErrorCode.ACTION_LIMIT_REACHED,
        ErrorCode.BOARD_CLOSED,
        ErrorCode.BOARD_NOT_OPEN,
        ErrorCode.REBUILDING,
    ],
)
@authenticated
@limits.per_user_updates
def update() -> Response:
    claim = body_as(ScoreUpdateRequest)
    if claim.user_id.lower() != identity().user_id:
        raise ScoreboardError(ErrorCode.USER_MISMATCH)
    updates.verify_signature(claim, identity().signing_keys)
    wait_ms = 0 if answers.asks_for_no_wait(request.headers.get("Prefer", "")) else services().settings.result_wait_ms
    return answer_to(updates.submit(services(), claim, g.request_id, wait_ms / 1000, g.nonce))


@blueprint.post("/batch")
@documented(
    "submitBatch",
    "Submit updates of many players",
    description=BATCH,
    body=BatchRequest,
    headers=["X-Signature.required", "Prefer.batch"],
    answers=[
        ResponseDoc(200, "The same, with the outcomes: the request said `Prefer: wait`.", BatchOutcomes),
        ResponseDoc(202, "Each update is accepted, known already, or refused.", BatchAccepted),
        ResponseDoc(400, "Every update was refused.", BatchAccepted | BatchOutcomes),
    ],
)
@by_api_key(Scope.SUBMIT)
@limits.per_api_key
def batch() -> tuple[Response, int]:
    request_body = body_as(BatchRequest)
    if request_body.create_players:
        require_scope(Scope.PLAYERS)
    limits.count_batch(len(request_body.updates))
    sender = Sender(
        api_key().id,
        g.request_id,
        api_key().permissions,
        creates_players=request_body.create_players,
        wait_seconds=answers.seconds_to_wait(request.headers.get("Prefer", "")),
    )
    result = batches.submit(services(), request_body.updates, sender)
    return jsonify(result.body), result.status


@blueprint.post("/receipts")
@documented(
    "readUpdates",
    "Ask what became of many updates",
    description="In the order of the request; null for an update that is not known, or of a player whom the API key "
    "may not name.",
    body=ReceiptsRequest,
    headers=["X-Signature.v2"],
    answers=[ResponseDoc(200, "What is known of each by now.", Receipts)],
)
@by_api_key(Scope.SUBMIT, Scope.READ)
@limits.per_api_key
def read_receipts() -> Response:
    asked = body_as(ReceiptsRequest).updates
    found = receipts.look_up_asked(services(), asked, api_key().permissions.realm)
    body: Receipts = {"receipts": [outcome and outcomes.receipt(outcome) for outcome in found]}
    return jsonify(body)


@blueprint.get("/updates/<idempotency_key>")
@documented(
    "readUpdate",
    "Ask what became of an update",
    description="With an access token of your own updates only, unless you are an admin, who may name anybody by "
    "`userId`; with an API key of anybody's whom it may name, by `userId` or `externalId`.",
    query=UpdateQuery,
    headers=["X-Signature"],
    answers=[ResponseDoc(200, "What is known of it by now.", Receipt)],
    errors=[ErrorCode.VALIDATION_FAILED, ErrorCode.NOT_FOUND, ErrorCode.USER_MISMATCH, ErrorCode.REBUILDING],
)
@authenticated_or_by_api_key(Scope.SUBMIT, Scope.READ)
@limits.per_api_key
def receipt(idempotency_key: str) -> Response:
    if not is_idempotency_key(idempotency_key):
        raise invalid_field("idempotencyKey", WORDS_OF_IDEMPOTENCY_KEY)
    user_id = _whose_update()
    outcome = updates.look_up(services(), user_id, idempotency_key) if user_id else None
    if outcome is None:
        raise ScoreboardError(ErrorCode.NOT_FOUND, "No such update has this idempotency key.")
    return jsonify(outcomes.receipt(outcome))


def _whose_update() -> str | None:
    """Return the id of the user whose update is meant; None for one whom the API key may not name."""
    asked = query_as(UpdateQuery)
    if is_by_api_key():
        return _named_by_key(asked)
    if asked.external_id is not None:
        raise invalid_field("externalId", "goes with an API key")
    own = identity().user_id
    if asked.user_id is None or asked.user_id.lower() == own:
        return own
    if not is_admin(own):
        raise ScoreboardError(ErrorCode.USER_MISMATCH)
    return asked.user_id.lower()


def _named_by_key(asked: UpdateQuery) -> str | None:
    if (asked.user_id is None) == (asked.external_id is None):
        raise invalid_field("userId", "exactly one of userId and externalId is required with an API key")
    realm = api_key().permissions.realm
    with services().engine.connect() as connection:
        if asked.external_id is not None:
            return identities.find(connection, realm, [asked.external_id]).get(asked.external_id)
        user_id = (asked.user_id or "").lower()
        return user_id if user_id in identities.find_nameable(connection, realm, [user_id]) else None


def answer_to(result: UpdateResult, *, names_user: bool = False) -> Response:
    """Return 200 for applied, 202 for accepted, or the error of a refusal; a replay is marked as one."""
    response = _to_response(result, names_user=names_user)
    if result.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _to_response(result: UpdateResult, *, names_user: bool) -> Response:
    try:
        answer = answers.answer_about(result.outcome, request.script_root, names_user=names_user)
    except ScoreboardError as refusal:
        return refuse(refusal)
    response = jsonify(answer.body)
    response.status_code = answer.status
    return response
