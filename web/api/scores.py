"""The views of score updates: one claim, a batch of them, and the receipt of one."""

from flask import Blueprint, Response, g, jsonify, request

from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.contract.fields import is_idempotency_key
from common.contract.requests import BatchRequest, ScoreUpdateRequest, UpdateQuery
from common.contract.responses import AcceptedForLater, Applied, BatchAccepted, Receipt
from common.domain import outcomes
from web.api.parsing import body_as, query_as
from web.guards import limits
from web.guards.access import authenticated, authenticated_or_by_api_key, by_api_key, identity
from web.guards.api_keys import api_key_id, is_by_api_key
from web.guards.errors import refuse
from web.intake import answers, batches, updates
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
    return _answer(updates.submit(services(), claim, g.request_id, wait_ms / 1000, g.nonce))


@blueprint.post("/batch")
@documented(
    "submitBatch",
    "Submit updates of many players",
    description=BATCH,
    body=BatchRequest,
    headers=["X-Signature.required"],
    answers=[ResponseDoc(202, "Each update is accepted, known already, or refused.", BatchAccepted)],
)
@by_api_key
@limits.per_api_key
def batch() -> tuple[Response, int]:
    items = body_as(BatchRequest).updates
    limits.count_batch(len(items))
    return jsonify(batches.submit(services(), items, Sender(api_key_id(), g.request_id))), 202


@blueprint.get("/updates/<idempotency_key>")
@documented(
    "readUpdate",
    "Ask what became of an update",
    description="With an access token of your own updates only; with an API key of anybody's, named by `userId`.",
    query=UpdateQuery,
    headers=["X-Signature"],
    answers=[ResponseDoc(200, "What is known of it by now.", Receipt)],
    errors=[ErrorCode.VALIDATION_FAILED, ErrorCode.NOT_FOUND, ErrorCode.USER_MISMATCH, ErrorCode.REBUILDING],
)
@authenticated_or_by_api_key
@limits.per_api_key
def receipt(idempotency_key: str) -> Response:
    if not is_idempotency_key(idempotency_key):
        raise invalid_field("idempotencyKey", "must match [A-Za-z0-9_-]{8,64}")
    outcome = updates.look_up(services(), _whose_update(), idempotency_key)
    if outcome is None:
        raise ScoreboardError(ErrorCode.NOT_FOUND, "No such update has this idempotency key.")
    return jsonify(outcomes.receipt(outcome))


def _whose_update() -> str:
    asked = query_as(UpdateQuery).user_id
    if is_by_api_key():
        if asked is None:
            raise invalid_field("userId", "is required with an API key")
        return asked.lower()
    own = identity().user_id
    if asked is not None and asked.lower() != own:
        raise ScoreboardError(ErrorCode.USER_MISMATCH)
    return own


def _answer(result: UpdateResult) -> Response:
    """Return 200 for applied, 202 for accepted, or the error of a refusal; a replay is marked as one."""
    response = _told(result)
    if result.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _told(result: UpdateResult) -> Response:
    try:
        answer = answers.answer_about(result.outcome, request.script_root)
    except ScoreboardError as refusal:
        return refuse(refusal)
    response = jsonify(answer.body)
    response.status_code = answer.status
    return response
