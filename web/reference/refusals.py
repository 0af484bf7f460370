"""The errors that a route can answer with, read from its guards and its parsing, with an example of each."""

from collections.abc import Sequence

from common.contract import responses
from common.contract.errors import SENTENCES, ErrorCode, ErrorDetails
from web.guards.budgets import CODE_OF_LIMIT
from web.guards.errors import STATUS_OF
from web.reference import headers
from web.reference.documented import JSON
from web.reference.json_schemas import Schema, Schemas
from web.reference.routes import Route

_DETAILS: dict[ErrorCode, ErrorDetails] = {
    ErrorCode.VALIDATION_FAILED: {"fields": [{"field": "limit", "message": "must be a whole number"}]},
    ErrorCode.TIMESTAMP_OUT_OF_RANGE: {"serverTime": "2026-11-23T09:15:00.123Z"},
    ErrorCode.API_KEY_SCOPE: {"scope": "players"},
    ErrorCode.BOARD_IMMUTABLE: {"fields": [{"field": "rule", "message": "never changes; it is lowest"}]},
    ErrorCode.CATALOGUE_CHANGED: {"revision": 4},
}

_DESCRIPTION_OF_STATUS = {
    400: SENTENCES[ErrorCode.VALIDATION_FAILED],
    401: "Who calls is not known, or no longer.",
    403: "Who calls may not do this.",
    404: "There is no such thing.",
    405: "The address has no such method.",
    409: "It does not fit what is there already.",
    413: SENTENCES[ErrorCode.BODY_TOO_LARGE],
    415: "The body is of another type.",
    426: "The address speaks another protocol.",
    429: "Too many requests. Nothing was done.",
    500: "The server failed. It says nothing of the inside.",
    503: "A part of the service is away. Nothing was done, or with `outcome_unknown` all of it or nothing.",
}

_REMEMBERED = (
    ErrorCode.SCORE_OUT_OF_RANGE,
    ErrorCode.SERVER_ACTION,
    ErrorCode.ACTION_ON_COOLDOWN,
    ErrorCode.ACTION_LIMIT_REACHED,
    ErrorCode.BOARD_CLOSED,
    ErrorCode.BOARD_NOT_OPEN,
)
"""The codes that are stored as an update's outcome, so that a repetition is answered with them again."""

ALWAYS = (ErrorCode.METHOD_NOT_ALLOWED, ErrorCode.BODY_TOO_LARGE, ErrorCode.INTERNAL_ERROR)
_OF_A_BODY = (ErrorCode.INVALID_JSON, ErrorCode.VALIDATION_FAILED, ErrorCode.UNSUPPORTED_MEDIA_TYPE)
_OF_A_TOKEN = (
    ErrorCode.TOKEN_MISSING,
    ErrorCode.TOKEN_INVALID,
    ErrorCode.TOKEN_EXPIRED,
    ErrorCode.TOKEN_REVOKED,
    ErrorCode.ACCOUNT_SUSPENDED,
)
_OF_AN_API_KEY = (
    ErrorCode.API_KEY_INVALID,
    ErrorCode.SIGNATURE_INVALID,
    ErrorCode.TIMESTAMP_OUT_OF_RANGE,
    ErrorCode.API_KEY_SCOPE,
)
_OF_ACCESS = {
    "public": (),
    "by_visibility": (*_OF_A_TOKEN, *_OF_AN_API_KEY),
    "authenticated": _OF_A_TOKEN,
    "admin": (*_OF_A_TOKEN, ErrorCode.FORBIDDEN),
    "manager": (*_OF_A_TOKEN, ErrorCode.FORBIDDEN, *_OF_AN_API_KEY),
    "insider": (*_OF_A_TOKEN, ErrorCode.FORBIDDEN, *_OF_AN_API_KEY),
    "by_api_key": _OF_AN_API_KEY,
    "public_or_by_api_key": (*_OF_A_TOKEN, *_OF_AN_API_KEY),
    "authenticated_or_by_api_key": (*_OF_A_TOKEN, *_OF_AN_API_KEY),
}


def codes_of(route: Route) -> list[ErrorCode]:
    """Return every code that the route can answer with, in the order of the table."""
    said = route.documentation
    possible = {*ALWAYS, *said.errors, *_OF_ACCESS[route.access]}
    possible.update(CODE_OF_LIMIT[name] for name in route.limits)
    if said.body:
        possible.update(_OF_A_BODY)
    if said.query:
        possible.add(ErrorCode.VALIDATION_FAILED)
    if route.is_api:
        possible.update((CODE_OF_LIMIT["ip"], ErrorCode.DEPENDENCY_UNAVAILABLE))
        if route.method in ("post", "put"):
            possible.add(ErrorCode.OUTCOME_UNKNOWN)
    return [code for code in ErrorCode if code in possible]


def refusals_of(route: Route, schemas: Schemas) -> Schema:
    """Return the `responses` of a route that are errors, by status."""
    by_status: dict[int, list[ErrorCode]] = {}
    for code in codes_of(route):
        by_status.setdefault(STATUS_OF[code], []).append(code)
    return {str(status): _refusal(status, codes, schemas) for status, codes in sorted(by_status.items())}


def example_of_error(code: ErrorCode) -> responses.Error:
    """Return an example of an error as it is sent."""
    description: responses.ErrorDescription = {"code": code, "message": SENTENCES[code]}
    if code in _DETAILS:
        description["details"] = _DETAILS[code]
    return {"error": description}


def _refusal(status: int, codes: Sequence[ErrorCode], schemas: Schemas) -> Schema:
    listed = [code.value for code in codes]
    repeated = ("Idempotent-Replayed",) if any(code in _REMEMBERED for code in codes) else ()
    one_of_these = {"properties": {"error": {"properties": {"code": {"x-extensible-enum": listed}}}}}
    examples = {code.value: {"value": example_of_error(code)} for code in codes}
    return {
        "description": _DESCRIPTION_OF_STATUS[status],
        "headers": headers.sent(*headers.OF_ERRORS.get(status, ()), *repeated),
        "content": {JSON: {"schema": schemas.of(responses.Error) | one_of_these, "examples": examples}},
    }
