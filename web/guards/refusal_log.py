"""The log line of a refusal that an operator looks for, with the error code and the caller."""

import structlog
from flask import g, has_request_context, request

from common.contract.errors import ErrorCode
from common.postgres import api_keys

log = structlog.get_logger(__name__)

WATCHED = frozenset(
    {
        ErrorCode.ACCOUNT_SUSPENDED,
        ErrorCode.API_KEY_INVALID,
        ErrorCode.FORBIDDEN,
        ErrorCode.LOGIN_THROTTLED,
        ErrorCode.ORIGIN_NOT_ALLOWED,
        ErrorCode.REFRESH_TOKEN_INVALID,
        ErrorCode.SIGNATURE_INVALID,
        ErrorCode.USER_MISMATCH,
    }
)


def note(code: ErrorCode) -> None:
    """Log a refusal with one of the codes above.

    The line has only the user of the access token, and the API key's id if it has the form of one, because any other
    text of a client might be a secret in the wrong place.
    """
    if code not in WATCHED or not has_request_context():
        return
    identity = g.get("identity")
    offered = request.headers.get("X-Api-Key", "")
    log.info(
        "access_refused",
        code=str(code),
        user_id=identity.user_id if identity else None,
        api_key=offered if api_keys.is_key_id(offered) else None,
    )
