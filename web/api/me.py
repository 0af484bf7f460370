"""One's own account: what is shown of a player, and to whom."""

import time

from flask import Blueprint, Response, jsonify, request

from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.contract.requests import DeletionRequest, ProfileRequest, VisibilityRequest
from common.contract.responses import ChangedVisibility, Deleted, Me, OwnData, Profile
from common.core.timestamps import format_instant
from common.domain import countries, display_names, tokens
from common.domain.details import PlayerVisibility
from common.postgres import own_data, people, users
from common.postgres.audit import Actor
from common.postgres.people import Change, Person
from web.api.auth import prove_password, user_on_the_wire
from web.api.parsing import body_as
from web.guards import limits
from web.guards.access import authenticated, identity
from web.reference.documented import ResponseDoc, documented
from web.services import services

FRESH_SECONDS = 300
"""How old an access token may be that stands for a password."""

blueprint = Blueprint("me", __name__, url_prefix="/api/me")


@blueprint.get("")
@documented(
    "readMe",
    "Read one's own account",
    answers=[ResponseDoc(200, "The account.", Me)],
)
@authenticated
def me() -> Response:
    return jsonify(me_on_the_wire(services().profiles.read(identity().user_id)))


@blueprint.post("/profile")
@documented(
    "changeProfile",
    "Change what is shown of oneself",
    description="Rows of boards have the new name at once, everywhere. A display name can be changed five times a day.",
    body=ProfileRequest,
    answers=[ResponseDoc(200, "The account as it is now.", Me)],
    errors=[ErrorCode.RATE_LIMITED],
)
@authenticated
def profile() -> Response:
    change = change_in(body_as(ProfileRequest))
    return jsonify(me_on_the_wire(services().profiles.change(identity().user_id, change)))


@blueprint.post("/visibility")
@documented(
    "changeVisibility",
    "Choose how to stand on boards",
    description="`anonymous`: the row stays, as `Anonymous` and under an id that is good on this board alone. "
    "`unlisted`: no row, and the ranks close up; in periods that are over the row stays, as `Anonymous`. What is "
    "scored counts all the same. Safe to repeat.",
    body=VisibilityRequest,
    answers=[ResponseDoc(200, "It is so, everywhere.", ChangedVisibility)],
)
@authenticated
def visibility() -> Response:
    wanted = body_as(VisibilityRequest).visibility
    services().profiles.set_visibility(identity().user_id, PlayerVisibility(wanted))
    answer: ChangedVisibility = {"visibility": wanted}
    return jsonify(answer)


@blueprint.get("/export")
@documented(
    "exportMe",
    "Get a copy of one's data",
    description="All that is kept about the player, three times a day. Of more than 50,000 events it has the first.",
    answers=[ResponseDoc(200, "The data, all of one instant.", OwnData)],
)
@authenticated
@limits.per_user_exports
def export() -> Response:
    with services().engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        person = people.get(connection, identity().user_id)
        data = own_data.read(connection, identity().user_id)
    return jsonify(own_data_on_the_wire(person, data))


@blueprint.post("/delete")
@documented(
    "deleteMe",
    "Delete one's account",
    description="At once, and for good: the session ends, and name, profile and password are gone. Ranks on open "
    "boards close up; in periods that are over the row stays, as `Anonymous`. An account without a password is "
    "deleted by an access token that is less than 5 minutes old.",
    body=DeletionRequest,
    answers=[ResponseDoc(200, "The account is deleted.", Deleted)],
    errors=[ErrorCode.INVALID_CREDENTIALS],
)
@authenticated
@limits.per_account_failures
def delete() -> Response:
    given = body_as(DeletionRequest)
    own = identity()
    with services().engine.connect() as connection:
        account = users.get_credentials(connection, own.user_id)
    if account is not None and account.password_hash is None:
        _refuse_old_token()
    elif given.password is None:
        raise invalid_field("password", "is required")
    else:
        prove_password(account, given.password)
    services().eraser.erase(own.user_id, Actor(own.user_id))
    answer: Deleted = {"status": "deleted"}
    return jsonify(answer)


def _refuse_old_token() -> None:
    """Raise `invalid_credentials` unless the access token was issued within five minutes, where no password is."""
    token = request.headers["Authorization"].partition(" ")[2].strip()
    issued = tokens.verify_signature(token, services().settings.jwt_secrets).issued
    if time.time() - issued > FRESH_SECONDS:
        raise ScoreboardError(ErrorCode.INVALID_CREDENTIALS, "Log in anew: this access token is too old for that.")


def change_in(wanted: ProfileRequest) -> Change:
    """Return the change that a body asks for. Raises `validation_failed`, which says why in words."""
    fields = {name: value for name, value in wanted.model_dump(exclude_unset=True).items() if name != "reason"}
    for name, parse in (("display_name", display_names.parse), ("country", countries.parse)):
        if fields.get(name) is not None:
            try:
                fields[name] = parse(fields[name])
            except ValueError as problem:
                raise invalid_field({"display_name": "displayName"}.get(name, name), str(problem)) from None
    return Change(fields)


def me_on_the_wire(person: Person) -> Me:
    return {
        "user": user_on_the_wire(person.user),
        "profile": profile_on_the_wire(person),
        "visibility": person.details.visibility.value,
        "guest": False,
        "createdAt": format_instant(person.created_at),
    }


def own_data_on_the_wire(person: Person, data: own_data.OwnData) -> OwnData:
    events = data.events[: own_data.MOST_EVENTS]
    told: OwnData = {
        "account": user_on_the_wire(person.user),
        "createdAt": format_instant(person.created_at),
        "profile": profile_on_the_wire(person),
        "visibility": person.details.visibility.value,
        "sessions": [
            {
                "sessionId": row.id,
                "createdAt": format_instant(row.created_at),
                "expiresAt": format_instant(row.expires_at),
                "revokedAt": format_instant(row.revoked_at) if row.revoked_at else None,
            }
            for row in data.sessions
        ],
        "identities": [
            {"realm": row.realm, "externalId": row.external_id, "createdAt": format_instant(row.created_at)}
            for row in data.identities
        ],
        "events": [
            {
                "eventId": str(row.id),
                "actionId": row.action_id,
                "idempotencyKey": row.idempotency_key,
                "points": row.points,
                "refusal": ErrorCode(row.refusal) if row.refusal else None,
                "occurredAt": format_instant(row.occurred_at),
                "acceptedAt": format_instant(row.accepted_at),
                "recordedAt": format_instant(row.recorded_at),
                "void": {"at": format_instant(row.void_at), "reason": row.void_reason} if row.void_at else None,
            }
            for row in events
        ],
        "standings": [
            {
                "board": row.board_id,
                "period": row.period_id,
                "score": row.score,
                "lastUpdated": format_instant(row.updated_at),
                "listed": not row.hidden,
            }
            for row in data.standings
        ],
        "achievements": [
            {"achievementId": row.achievement_id, "scope": row.scope, "unlockedAt": format_instant(row.unlocked_at)}
            for row in data.unlocks
        ],
        "steps": [{"achievementId": row.achievement_id, "scope": row.scope, "steps": row.steps} for row in data.steps],
        "marks": [
            {
                "board": row.board_id,
                "day": row.day.isoformat(),
                "at": format_instant(row.at),
                "score": row.score,
                "rank": row.rank,
                "total": row.total,
            }
            for row in data.marks
        ],
    }
    if len(data.events) > own_data.MOST_EVENTS:
        told["truncatedAt"] = own_data.MOST_EVENTS
    return told


def profile_on_the_wire(person: Person) -> Profile:
    details = person.details
    return {"displayName": details.display_name, "country": details.country, "avatar": details.avatar}
