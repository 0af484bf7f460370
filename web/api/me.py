"""One's own account: what is shown of a player, and to whom."""

from flask import Blueprint, Response, jsonify

from common.contract.errors import ErrorCode, invalid_field
from common.contract.requests import ProfileRequest
from common.contract.responses import Me, Profile
from common.contract.responses import User as UserOnTheWire
from common.core.timestamps import format_instant
from common.domain import countries, display_names
from common.postgres.people import Change, Person
from web.api.parsing import body_as
from web.guards.access import authenticated, identity
from web.reference.documented import ResponseDoc, documented
from web.services import services

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
        "user": user_on_the_wire(person),
        "profile": profile_on_the_wire(person),
        "visibility": person.details.visibility.value,
        "guest": False,
        "createdAt": format_instant(person.created_at),
    }


def user_on_the_wire(person: Person) -> UserOnTheWire:
    return {"userId": person.user.id, "username": person.user.username, "role": person.user.role}


def profile_on_the_wire(person: Person) -> Profile:
    details = person.details
    return {"displayName": details.display_name, "country": details.country, "avatar": details.avatar}
