"""Errors on the wire: one table from code to status, and one shape for every answer that is not a success."""

import math
import time

import redis
import structlog
from flask import Flask, Response, jsonify
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

from common.contract.errors import (
    SENTENCES,
    ErrorCode,
    ErrorDetails,
    ScoreboardError,
    outcome_unknown,
    unavailable,
    unfit,
)
from common.contract.responses import Error, ErrorDescription
from common.core import deadlines, metrics
from common.postgres.misfits import is_misfit
from web.guards import refusal_log

log = structlog.get_logger(__name__)

STATUS_OF = {
    ErrorCode.INVALID_JSON: 400,
    ErrorCode.VALIDATION_FAILED: 400,
    ErrorCode.UNKNOWN_ACTION: 400,
    ErrorCode.UNKNOWN_BOARD: 400,
    ErrorCode.TIMESTAMP_OUT_OF_RANGE: 400,
    ErrorCode.IDEMPOTENCY_KEY_REUSED: 400,
    ErrorCode.SCORE_OUT_OF_RANGE: 400,
    ErrorCode.INVALID_CURSOR: 400,
    ErrorCode.UNKNOWN_USER: 400,
    ErrorCode.VALUE_OUT_OF_RANGE: 400,
    ErrorCode.UNKNOWN_ACHIEVEMENT: 400,
    ErrorCode.TOKEN_MISSING: 401,
    ErrorCode.TOKEN_INVALID: 401,
    ErrorCode.TOKEN_EXPIRED: 401,
    ErrorCode.TOKEN_REVOKED: 401,
    ErrorCode.REFRESH_TOKEN_INVALID: 401,
    ErrorCode.REFRESH_TOKEN_REUSED: 401,
    ErrorCode.INVALID_CREDENTIALS: 401,
    ErrorCode.SIGNATURE_INVALID: 401,
    ErrorCode.API_KEY_INVALID: 401,
    ErrorCode.USER_MISMATCH: 403,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.REGISTRATION_CLOSED: 403,
    ErrorCode.ORIGIN_NOT_ALLOWED: 403,
    ErrorCode.ACCOUNT_SUSPENDED: 403,
    ErrorCode.SERVER_ACTION: 403,
    ErrorCode.API_KEY_SCOPE: 403,
    ErrorCode.ACTION_NOT_ALLOWED: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.NO_SEASON: 404,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.USERNAME_TAKEN: 409,
    ErrorCode.NO_PASSWORD: 409,
    ErrorCode.ACTION_ON_COOLDOWN: 409,
    ErrorCode.ACTION_LIMIT_REACHED: 409,
    ErrorCode.BOARD_CLOSED: 409,
    ErrorCode.BOARD_NOT_OPEN: 409,
    ErrorCode.BOARD_IMMUTABLE: 409,
    ErrorCode.ACHIEVEMENT_IMMUTABLE: 409,
    ErrorCode.NOT_GRANTABLE: 409,
    ErrorCode.CATALOGUE_CHANGED: 409,
    ErrorCode.TOO_MANY: 409,
    ErrorCode.TOO_LARGE: 409,
    ErrorCode.RULE_HAS_NO_ADJUSTMENT: 409,
    ErrorCode.NOTHING_TO_VOID: 409,
    ErrorCode.TOO_MANY_EVENTS: 409,
    ErrorCode.SEASON_OVERLAPS: 409,
    ErrorCode.SEASON_OVER: 409,
    ErrorCode.SEASON_BEGUN: 409,
    ErrorCode.NO_HISTORY: 409,
    ErrorCode.PERIOD_ARCHIVED: 409,
    ErrorCode.BODY_TOO_LARGE: 413,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
    ErrorCode.UPGRADE_REQUIRED: 426,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.LOGIN_THROTTLED: 429,
    ErrorCode.TOO_MANY_CONNECTIONS: 429,
    ErrorCode.INTERNAL_ERROR: 500,
    ErrorCode.DEPENDENCY_UNAVAILABLE: 503,
    ErrorCode.REBUILDING: 503,
    ErrorCode.OUTCOME_UNKNOWN: 503,
}

CODE_OF_FRAMEWORK_STATUS = {
    400: ErrorCode.VALIDATION_FAILED,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    413: ErrorCode.BODY_TOO_LARGE,
    415: ErrorCode.UNSUPPORTED_MEDIA_TYPE,
}

# What RFC 9110 (401, 426) and RFC 6455 (426) ask for.
_HEADERS_OF_STATUS = {
    401: {"WWW-Authenticate": "Bearer"},
    426: {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"},
}

_SENTENCES = {405: "This address does not take requests of this method."}

_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")


def init_app(app: Flask) -> None:
    app.register_error_handler(ScoreboardError, refuse)
    app.register_error_handler(HTTPException, refuse_by_framework)
    app.register_error_handler(redis.RedisError, lambda error: dependency_away("Redis", error))
    app.register_error_handler(DBAPIError, database_failed)
    app.register_error_handler(PoolTimeoutError, lambda error: dependency_away("PostgreSQL", error))
    app.register_error_handler(Exception, fail)


def refuse(error: ScoreboardError) -> Response:
    """Return the response to a domain error."""
    refusal_log.note(error.code)
    response = _answer(error.code, error.message, error.details)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.allowance is not None:
        response.headers["X-RateLimit-Limit"] = str(error.allowance.amount)
        response.headers["X-RateLimit-Remaining"] = str(error.allowance.remaining)
        response.headers["X-RateLimit-Reset"] = str(math.ceil(time.time()) + (error.retry_after or 0))
    response.headers.update(_HEADERS_OF_STATUS.get(response.status_code, {}))
    return response


def refuse_by_framework(error: HTTPException) -> Response:
    """Give Flask's own refusals our shape, with the header fields that they need. Redirects pass unchanged."""
    status = error.code or 500
    if status < 400:  # noqa: PLR2004 - an HTTPException below 400 is a redirect, not an error
        return Response(error.get_response().response, status, list(error.get_response().headers))
    if status >= 500:  # noqa: PLR2004
        return fail(error)
    code = CODE_OF_FRAMEWORK_STATUS.get(status, ErrorCode.VALIDATION_FAILED)
    response = _answer(code, _SENTENCES.get(status) or error.description or error.name)
    framework_headers = dict(error.get_headers())
    for name in _KEPT_HEADERS:
        if name in framework_headers:
            response.headers[name] = framework_headers[name]
    return response


def database_failed(error: DBAPIError) -> Response:
    """Answer 503 where the database cannot do it now, and 500 for anything else.

    It cannot if the connection is lost, it takes too long, a lock is not acquired, or schema or rights do not fit, as
    on either side of a migration. The log tells of the last as of an unexpected error.
    """
    if error.connection_invalidated or type(error).__name__ == "OperationalError":
        return dependency_away("PostgreSQL", error)
    if not is_misfit(error):
        return fail(error)
    log.error("request_failed", exc_info=error)
    advice = deadlines.in_doubt()
    return refuse(outcome_unknown("PostgreSQL", advice) if advice else unfit("PostgreSQL"))


def dependency_away(name: str, error: Exception) -> Response:
    """Answer 503: nothing was changed, or, if a command of the effect was sent already, nobody knows."""
    advice = deadlines.in_doubt()
    if advice:
        log.warning("outcome_unknown", dependency=name, error=type(error).__name__)
        return refuse(outcome_unknown(name, advice))
    log.warning("dependency_unavailable", dependency=name, error=type(error).__name__)
    return refuse(unavailable(name))


def fail(error: Exception) -> Response:
    """Answer 500 for an unexpected error: the log has all of it, the response no details."""
    log.error("request_failed", exc_info=error)
    return _answer(ErrorCode.INTERNAL_ERROR, SENTENCES[ErrorCode.INTERNAL_ERROR])


def _answer(code: ErrorCode, message: str, details: ErrorDetails | None = None) -> Response:
    metrics.ERRORS.labels(code).inc()
    description: ErrorDescription = {"code": code, "message": message}
    if details is not None:
        description["details"] = details
    body: Error = {"error": description}
    response = jsonify(body)
    response.status_code = STATUS_OF[code]
    return response
