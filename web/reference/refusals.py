"""The errors that a route can answer with, read from its guards and its parsing, with an example of each."""

from collections.abc import Sequence

from common.contract import responses
from common.contract.errors import ErrorCode, ErrorDetails
from web.guards.budgets import CODE_OF_LIMIT
from web.guards.errors import STATUS_OF
from web.reference import headers
from web.reference.documented import JSON
from web.reference.json_schemas import Schema, Schemas
from web.reference.routes import Route

SENTENCES = {
    ErrorCode.INVALID_JSON: "The body is not valid JSON.",
    ErrorCode.VALIDATION_FAILED: "The request is not valid.",
    ErrorCode.UNKNOWN_ACTION: "There is no action 'win-mach'.",
    ErrorCode.UNKNOWN_BOARD: "There is no board 'mian'.",
    ErrorCode.TIMESTAMP_OUT_OF_RANGE: "The timestamp is more than 300 s from the server's time.",
    ErrorCode.IDEMPOTENCY_KEY_REUSED: "This idempotency key was used for another action before.",
    ErrorCode.SCORE_OUT_OF_RANGE: "The player's total would leave the range of ±(2^53-1).",
    ErrorCode.INVALID_CURSOR: "This cursor is not one of this list.",
    ErrorCode.UNKNOWN_USER: "There is no such user.",
    ErrorCode.TOKEN_MISSING: "An access token is needed: Authorization: Bearer …",
    ErrorCode.TOKEN_INVALID: "The access token is not valid.",
    ErrorCode.TOKEN_EXPIRED: "The access token has expired.",
    ErrorCode.TOKEN_REVOKED: "This session has ended. Log in again.",
    ErrorCode.REFRESH_TOKEN_INVALID: "The refresh token is not valid.",
    ErrorCode.REFRESH_TOKEN_REUSED: "This refresh token was used before. The session has ended: log in again.",
    ErrorCode.INVALID_CREDENTIALS: "Wrong username or password.",
    ErrorCode.SIGNATURE_INVALID: "The signature does not fit the request.",
    ErrorCode.API_KEY_INVALID: "The API key is not valid.",
    ErrorCode.USER_MISMATCH: "userId is not the user of the access token.",
    ErrorCode.FORBIDDEN: "This address is not open to anybody.",
    ErrorCode.REGISTRATION_CLOSED: "Registration is closed. Ask the operator for an account.",
    ErrorCode.ORIGIN_NOT_ALLOWED: "Pages of this origin may not open the live socket.",
    ErrorCode.ACCOUNT_SUSPENDED: "This account is suspended.",
    ErrorCode.NOT_FOUND: "There is no such thing here.",
    ErrorCode.METHOD_NOT_ALLOWED: "The method is not allowed for the requested URL.",
    ErrorCode.USERNAME_TAKEN: "The name ada is taken.",
    ErrorCode.ACTION_ON_COOLDOWN: "This action was used too recently to count again.",
    ErrorCode.ACTION_LIMIT_REACHED: "This action has counted as often as it can in a day (UTC).",
    ErrorCode.BOARD_CLOSED: "The board is closed.",
    ErrorCode.BODY_TOO_LARGE: "The body may hold 16384 bytes.",
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: "The body must be application/json.",
    ErrorCode.UPGRADE_REQUIRED: "This address speaks WebSocket, version 13.",
    ErrorCode.RATE_LIMITED: "Too many requests from this address. Try again in 7 s.",
    ErrorCode.LOGIN_THROTTLED: "Too many failed logins of this account from this address. Try again in 7 s.",
    ErrorCode.TOO_MANY_CONNECTIONS: "Too many live connections from this address.",
    ErrorCode.INTERNAL_ERROR: "The server failed to answer this request.",
    ErrorCode.DEPENDENCY_UNAVAILABLE: "Redis cannot be reached. Nothing was changed; try again.",
    ErrorCode.REBUILDING: "The board is being built anew. Try again.",
    ErrorCode.OUTCOME_UNKNOWN: "Redis did not confirm it. It may have been accepted; send it again with the same key.",
}

_DETAILS: dict[ErrorCode, ErrorDetails] = {
    ErrorCode.VALIDATION_FAILED: {"fields": [{"field": "limit", "message": "must be a whole number"}]},
    ErrorCode.TIMESTAMP_OUT_OF_RANGE: {"serverTime": "2026-11-23T09:15:00.123Z"},
}

_DESCRIPTION_OF_STATUS = {
    400: "The request is not valid.",
    401: "Who calls is not known, or no longer.",
    403: "Who calls may not do this.",
    404: "There is no such thing.",
    405: "The address has no such method.",
    409: "It does not fit what is there already.",
    413: "The body is too large.",
    415: "The body is of another type.",
    426: "The address speaks another protocol.",
    429: "Too many requests. Nothing was done.",
    500: "The server failed. It says nothing of the inside.",
    503: "A part of the service is away. Nothing was done, or with `outcome_unknown` all of it or nothing.",
}

_REMEMBERED = (
    ErrorCode.SCORE_OUT_OF_RANGE,
    ErrorCode.ACTION_ON_COOLDOWN,
    ErrorCode.ACTION_LIMIT_REACHED,
    ErrorCode.BOARD_CLOSED,
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
_OF_AN_API_KEY = (ErrorCode.API_KEY_INVALID, ErrorCode.SIGNATURE_INVALID, ErrorCode.TIMESTAMP_OUT_OF_RANGE)
_OF_ACCESS = {
    "public": (),
    "authenticated": _OF_A_TOKEN,
    "admin": (*_OF_A_TOKEN, ErrorCode.FORBIDDEN),
    "by_api_key": _OF_AN_API_KEY,
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
        if route.method == "post":
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
