"""Every error that a client can receive. Domain errors know no HTTP: `web/guards/errors.py` maps each code."""

from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema
from typing_extensions import TypedDict

from common.contract.fields import Instant, Sentence


class ErrorCode(StrEnum):
    """The stable codes of the public contract, by the area that raises them."""

    INVALID_JSON = "invalid_json"
    VALIDATION_FAILED = "validation_failed"
    UNKNOWN_ACTION = "unknown_action"
    UNKNOWN_BOARD = "unknown_board"
    TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    SCORE_OUT_OF_RANGE = "score_out_of_range"
    INVALID_CURSOR = "invalid_cursor"
    UNKNOWN_USER = "unknown_user"

    TOKEN_MISSING = "token_missing"  # noqa: S105 - an error code
    TOKEN_INVALID = "token_invalid"  # noqa: S105 - an error code
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - an error code
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - an error code
    REFRESH_TOKEN_INVALID = "refresh_token_invalid"  # noqa: S105 - an error code
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 - an error code
    INVALID_CREDENTIALS = "invalid_credentials"
    SIGNATURE_INVALID = "signature_invalid"
    API_KEY_INVALID = "api_key_invalid"

    USER_MISMATCH = "user_mismatch"
    FORBIDDEN = "forbidden"
    REGISTRATION_CLOSED = "registration_closed"
    ORIGIN_NOT_ALLOWED = "origin_not_allowed"
    ACCOUNT_SUSPENDED = "account_suspended"

    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UPGRADE_REQUIRED = "upgrade_required"

    USERNAME_TAKEN = "username_taken"
    ACTION_ON_COOLDOWN = "action_on_cooldown"
    ACTION_LIMIT_REACHED = "action_limit_reached"
    BOARD_CLOSED = "board_closed"

    RATE_LIMITED = "rate_limited"
    LOGIN_THROTTLED = "login_throttled"
    TOO_MANY_CONNECTIONS = "too_many_connections"

    INTERNAL_ERROR = "internal_error"
    DEPENDENCY_UNAVAILABLE = "dependency_unavailable"
    REBUILDING = "rebuilding"
    OUTCOME_UNKNOWN = "outcome_unknown"

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the codes as an open list, because a generated client must accept codes that are added later."""
        return {
            "type": "string",
            "description": "Tells a program what went wrong. Those of today are listed; more may come.",
            "examples": [cls.VALIDATION_FAILED.value],
            "x-extensible-enum": [code.value for code in cls],
        }


class FieldProblem(TypedDict):
    """What is wrong with one field."""

    field: Annotated[str, Field(examples=["username"])]
    message: Sentence


class ErrorDetails(TypedDict, total=False):
    """More about an error, for a program."""

    fields: Annotated[list[FieldProblem], Field(description="With `validation_failed`.")]
    serverTime: Annotated[Instant, Field(description="With `timestamp_out_of_range`.")]
    parts: Annotated[dict[str, Literal["ok", "missing", "away"]], Field(description="Of `GET /readyz`.")]


class Allowance(NamedTuple):
    """A limit that was met: how many it allows, and how many of them are left."""

    amount: int
    remaining: int = 0


class ScoreboardError(Exception):
    """A refusal with a stable code, a sentence for a person, and optional JSON details.

    `retry_after` is in whole seconds and given where waiting helps; `allowance` where a limit was met.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        details: ErrorDetails | None = None,
        retry_after: int | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.details = details
        self.retry_after = retry_after
        self.allowance = allowance


def invalid_field(field: str, message: str) -> ScoreboardError:
    """Return the error `validation_failed` for one field."""
    return invalid_fields([(field, message)])


def invalid_fields(problems: list[tuple[str, str]]) -> ScoreboardError:
    fields: list[FieldProblem] = [{"field": field, "message": message} for field, message in problems]
    return ScoreboardError(ErrorCode.VALIDATION_FAILED, "The request is not valid.", {"fields": fields})


def unavailable(what: str) -> ScoreboardError:
    """Return the error for a dependency that cannot be reached: nothing was done, and the client may try again."""
    return ScoreboardError(
        ErrorCode.DEPENDENCY_UNAVAILABLE, f"{what} cannot be reached. Nothing was changed; try again.", None, 1
    )


def outcome_unknown(what: str, advice: str) -> ScoreboardError:
    """Return the error for a dependency that went away after it was told to act: nobody knows whether it did.

    `advice` tells the client what to do.
    """
    return ScoreboardError(ErrorCode.OUTCOME_UNKNOWN, f"{what} did not confirm it. {advice}", None, 1)
