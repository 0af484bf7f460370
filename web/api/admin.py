"""The views of admins: suspending users and reinstating them, and what is shown of players."""

from flask import Blueprint, Response, jsonify

from common.contract.account_responses import IssuedResetCode, Moderated
from common.contract.errors import ErrorCode, ScoreboardError
from common.contract.requests import ModeratedProfileRequest, ModerationRequest
from common.contract.responses import ChangedProfile
from common.postgres import reset_codes, users
from common.postgres.audit import Actor
from common.postgres.users import User
from common.services.suspensions import Decision
from web.api.auth import user_on_the_wire
from web.api.boards import parsed_user_id
from web.api.me import change_in, profile_on_the_wire
from web.api.parsing import body_as
from web.guards.access import admin, identity
from web.reference.documented import ResponseDoc, documented
from web.services import services

blueprint = Blueprint("admin", __name__, url_prefix="/api/admin")


@blueprint.post("/users/<user_id>/suspend")
@documented(
    "suspendUser",
    "Suspend a user",
    description="Their sessions end, they cannot log in, and their entries leave every board; what they have is kept. "
    "Safe to repeat.",
    body=ModerationRequest,
    answers=[ResponseDoc(200, "The user is suspended.", Moderated)],
    errors=[ErrorCode.NOT_FOUND],
)
@admin
def suspend(user_id: str) -> Response:
    if parsed_user_id(user_id) == identity().user_id:
        raise ScoreboardError(ErrorCode.FORBIDDEN, "You cannot suspend yourself.")
    return _moderate(user_id, suspended=True)


@blueprint.post("/users/<user_id>/reinstate")
@documented(
    "reinstateUser",
    "Reinstate a suspended user",
    description="They can log in again, and their entries are back, with all that was accepted before. Safe to repeat.",
    body=ModerationRequest,
    answers=[ResponseDoc(200, "The user is not suspended.", Moderated)],
    errors=[ErrorCode.NOT_FOUND],
)
@admin
def reinstate(user_id: str) -> Response:
    return _moderate(user_id, suspended=False)


@blueprint.post("/users/<user_id>/profile")
@documented(
    "moderateProfile",
    "Change what is shown of a player",
    description="For a name that insults, or to set one for a player. It counts against no limit of renames.",
    body=ModeratedProfileRequest,
    answers=[ResponseDoc(200, "The profile as it is now.", ChangedProfile)],
    errors=[ErrorCode.NOT_FOUND],
)
@admin
def profile(user_id: str) -> Response:
    wanted = body_as(ModeratedProfileRequest)
    user = _found(user_id)
    person = services().profiles.moderate(user.id, change_in(wanted), Actor(identity().user_id), wanted.reason)
    answer: ChangedProfile = {"user": user_on_the_wire(person.user), "profile": profile_on_the_wire(person)}
    return jsonify(answer)


@blueprint.post("/users/<user_id>/reset-code")
@documented(
    "issueResetCode",
    "Make a code for a new password",
    description="For somebody who has lost theirs: give them the code. It is good once, for an hour, and only the last "
    "one of an account is.",
    answers=[ResponseDoc(200, "A new code.", IssuedResetCode)],
    errors=[ErrorCode.NOT_FOUND, ErrorCode.NO_PASSWORD],
)
@admin
def reset_code(user_id: str) -> Response:
    code = services().new_passwords.issue_code(_found(user_id).id, Actor(identity().user_id))
    answer: IssuedResetCode = {"code": code, "expiresIn": int(reset_codes.LIFETIME.total_seconds())}
    return jsonify(answer)


def _found(user_id: str) -> User:
    """Return the user of an address. Raises `not_found`."""
    with services().engine.connect() as connection:
        user = users.find(connection, parsed_user_id(user_id))
    if user is None:
        raise ScoreboardError(ErrorCode.NOT_FOUND, "There is no such user.")
    return user


def _moderate(user_id: str, *, suspended: bool) -> Response:
    reason = body_as(ModerationRequest).reason
    user = _found(user_id)
    services().moderator.carry_out(Decision(user.id, suspended, identity().user_id, reason))
    answer: Moderated = {"user": user_on_the_wire(user), "suspended": suspended}
    return jsonify(answer)
