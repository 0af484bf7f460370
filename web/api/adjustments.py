"""The view of admins who adjust a score."""

from flask import Blueprint, Response, g, request

from common.contract.errors import ErrorCode
from common.contract.requests import AdjustmentRequest
from common.contract.responses import AcceptedForLater, Applied
from common.domain.adjustments import Adjustment
from common.domain.boards import Board
from common.domain.ledger_row import source_of_admin
from common.postgres.audit import Actor
from web.api.boards import parsed_user_id
from web.api.parsing import body_as
from web.api.scores import answer_to
from web.guards.access import admin, identity
from web.guards.board_access import unknown
from web.intake import adjustments, answers
from web.reference.documented import ResponseDoc, documented
from web.services import services

blueprint = Blueprint("adjustments", __name__, url_prefix="/api/admin")


@blueprint.post("/users/<user_id>/adjust")
@documented(
    "adjustScore",
    "Adjust a player's score",
    description="On boards of the rules `sum` and `count`. It is an update like any other, of an action that belongs "
    "to the board: it counts once for its key, in the periods of now, and stands among the player's updates. A "
    "suspended player's score can be adjusted, too. A closed board takes none.",
    body=AdjustmentRequest,
    headers=["Prefer"],
    answers=[
        ResponseDoc(200, "Applied, and committed.", Applied, headers=["Idempotent-Replayed"]),
        ResponseDoc(202, "Accepted, and not applied yet.", AcceptedForLater, headers=["Idempotent-Replayed"]),
    ],
    errors=[
        ErrorCode.UNKNOWN_BOARD,
        ErrorCode.IDEMPOTENCY_KEY_REUSED,
        ErrorCode.SCORE_OUT_OF_RANGE,
        ErrorCode.NOT_FOUND,
        ErrorCode.RULE_HAS_NO_ADJUSTMENT,
        ErrorCode.BOARD_CLOSED,
        ErrorCode.BOARD_NOT_OPEN,
        ErrorCode.REBUILDING,
    ],
)
@admin
def adjust(user_id: str) -> Response:
    wanted = body_as(AdjustmentRequest)
    adjustment = Adjustment(
        user_id=parsed_user_id(user_id),
        board=_board(wanted.board),
        amount=wanted.amount,
        second=wanted.second,
        reason=wanted.reason,
        idempotency_key=wanted.idempotency_key,
        source=source_of_admin(identity().user_id),
    )
    wait_ms = 0 if answers.asks_for_no_wait(request.headers.get("Prefer", "")) else services().settings.result_wait_ms
    actor = Actor(identity().user_id)
    result = adjustments.submit(services(), adjustment, actor, g.request_id, wait_ms / 1000)
    return answer_to(result, names_user=True)


def _board(board_id: str) -> Board:
    board = services().catalogue.knowing(board_id).boards.get(board_id)
    if board is None:
        raise unknown(board_id)
    return board
