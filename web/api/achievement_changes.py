"""The views that make, change and take back achievements: for admins and API keys of the scope `manage`."""

from flask import Blueprint, Response, jsonify
from pydantic.alias_generators import to_camel

from common.contract.achievement_responses import Revoked, StoredAchievement
from common.contract.achievements import PutAchievement, RevokeRequest
from common.contract.errors import SENTENCES, ErrorCode, ScoreboardError
from common.domain.achievement_plan import add_achievement, check_achievement_room
from common.domain.achievement_wire import described_achievement
from common.domain.catalogue_plan import Place, Plan
from common.services import achieving
from web.api.catalogue import caller, changing, same_id, write_plan
from web.api.known_users import known_user
from web.api.parsing import body_as
from web.guards import limits
from web.guards.access import manager
from web.reference.documented import ResponseDoc, documented
from web.services import services

blueprint = Blueprint("achievement_changes", __name__, url_prefix="/api/admin")

_ACHIEVEMENT = Place("", "id", to_camel)


@blueprint.put("/achievements/<achievement_id>")
@documented(
    "putAchievement",
    "Make or change an achievement",
    description="What decides it never changes: its table may be left out, or must be equal. A field that may change "
    "and is left out has its default, but `retroactive`, which stays. It counts from this moment on.",
    body=PutAchievement,
    answers=[
        ResponseDoc(200, "The achievement, changed or the same.", StoredAchievement),
        ResponseDoc(201, "The new achievement.", StoredAchievement),
    ],
    errors=[
        ErrorCode.UNKNOWN_BOARD,
        ErrorCode.UNKNOWN_ACTION,
        ErrorCode.ACHIEVEMENT_IMMUTABLE,
        ErrorCode.TOO_MANY,
    ],
)
@manager
@limits.per_api_key
def put_achievement(achievement_id: str) -> tuple[Response, int]:
    wanted = body_as(PutAchievement)
    same_id("id", wanted.id, achievement_id)
    with changing() as (connection, stored):
        known = stored.achievements.get(achievement_id)
        plan = Plan()
        add_achievement(
            plan,
            _ACHIEVEMENT,
            achievement_id,
            wanted,
            known=known,
            boards=stored.boards,
            action_ids=stored.ordinary_actions,
        )
        check_achievement_room(plan, stored.achievements, "id")
        write_plan(connection, plan, "set_achievement", achievement_id)
    after = (*plan.new_achievements, *(changed for _, changed in plan.changed_achievements), known)[0]
    if after is None:
        raise RuntimeError("an achievement that is neither known nor new")
    return jsonify(described_achievement(after)), 200 if known else 201


@blueprint.post("/achievements/<achievement_id>/revoke")
@documented(
    "revokeAchievement",
    "Take an achievement back from a player",
    description="It may be earned again: steps begin at 0 with what is scored next. Safe to repeat.",
    body=RevokeRequest,
    answers=[ResponseDoc(200, "The player does not have it.", Revoked)],
    errors=[ErrorCode.NOT_FOUND],
)
@manager
@limits.per_api_key
def revoke_achievement(achievement_id: str) -> Response:
    wanted = body_as(RevokeRequest)
    user = known_user(wanted.user_id)
    if achievement_id not in services().catalogue.read_anew().achievements:
        raise ScoreboardError(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.UNKNOWN_ACHIEVEMENT])
    engine = services().engine
    revoked = achieving.revoke(
        engine, achievement_id, user.id, reason=wanted.reason, actor=caller(), scope=wanted.scope
    )
    body: Revoked = {"achievementId": achievement_id, "userId": user.id, "revoked": revoked}
    return jsonify(body)
