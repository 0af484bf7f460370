"""Every error that a client can receive. Domain errors know no HTTP: `web/guards/errors.py` maps each code."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema
from typing_extensions import TypedDict

from common.contract.fields import Instant, Sentence

MAX_PROBLEMS = 20
"""The greatest number of problems in a response, so that it is not far longer than its request."""


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
    VALUE_OUT_OF_RANGE = "value_out_of_range"
    UNKNOWN_ACHIEVEMENT = "unknown_achievement"

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
    SERVER_ACTION = "server_action"
    API_KEY_SCOPE = "api_key_scope"
    ACTION_NOT_ALLOWED = "action_not_allowed"

    NOT_FOUND = "not_found"
    NO_SEASON = "no_season"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UPGRADE_REQUIRED = "upgrade_required"

    USERNAME_TAKEN = "username_taken"
    NO_PASSWORD = "no_password"  # noqa: S105 - an error code
    ACTION_ON_COOLDOWN = "action_on_cooldown"
    ACTION_LIMIT_REACHED = "action_limit_reached"
    BOARD_CLOSED = "board_closed"
    BOARD_NOT_OPEN = "board_not_open"
    BOARD_IMMUTABLE = "board_immutable"
    ACHIEVEMENT_IMMUTABLE = "achievement_immutable"
    NOT_GRANTABLE = "not_grantable"
    CATALOGUE_CHANGED = "catalogue_changed"
    TOO_MANY = "too_many"
    TOO_LARGE = "too_large"
    RULE_HAS_NO_ADJUSTMENT = "rule_has_no_adjustment"
    NOTHING_TO_VOID = "nothing_to_void"
    TOO_MANY_EVENTS = "too_many_events"
    SEASON_OVERLAPS = "season_overlaps"
    SEASON_OVER = "season_over"
    SEASON_BEGUN = "season_begun"
    NO_HISTORY = "no_history"
    PERIOD_ARCHIVED = "period_archived"

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


SENTENCES: Mapping[ErrorCode, str] = {
    ErrorCode.INVALID_JSON: "The body is not valid JSON.",
    ErrorCode.VALIDATION_FAILED: "The request is not valid.",
    ErrorCode.UNKNOWN_ACTION: "There is no such action.",
    ErrorCode.UNKNOWN_BOARD: "There is no such board.",
    ErrorCode.TIMESTAMP_OUT_OF_RANGE: "The timestamp is too far from the server's time.",
    ErrorCode.IDEMPOTENCY_KEY_REUSED: "This idempotency key was used for another action or value before.",
    ErrorCode.SCORE_OUT_OF_RANGE: "The player's total would leave the range of ±(2^53-1).",
    ErrorCode.INVALID_CURSOR: "This cursor is not one of this list.",
    ErrorCode.UNKNOWN_USER: "There is no such user.",
    ErrorCode.VALUE_OUT_OF_RANGE: "The value is outside the range that the action takes.",
    ErrorCode.UNKNOWN_ACHIEVEMENT: "There is no such achievement.",
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
    ErrorCode.FORBIDDEN: "This is for admins.",
    ErrorCode.REGISTRATION_CLOSED: "Registration is closed. Ask the operator for an account.",
    ErrorCode.ORIGIN_NOT_ALLOWED: "Pages of this origin may not open the live socket.",
    ErrorCode.ACCOUNT_SUSPENDED: "This account is suspended.",
    ErrorCode.SERVER_ACTION: "This action is claimed by game servers only.",
    ErrorCode.API_KEY_SCOPE: "This API key does not have the scope that is needed.",
    ErrorCode.ACTION_NOT_ALLOWED: "This API key may not submit this action.",
    ErrorCode.NOT_FOUND: "There is no such thing here.",
    ErrorCode.NO_SEASON: "The board has no such season, or none is open.",
    ErrorCode.METHOD_NOT_ALLOWED: "The method is not allowed for the requested URL.",
    ErrorCode.BODY_TOO_LARGE: "The body is too large.",
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: "The body must be application/json.",
    ErrorCode.UPGRADE_REQUIRED: "This address speaks WebSocket, version 13.",
    ErrorCode.USERNAME_TAKEN: "This name is taken.",
    ErrorCode.NO_PASSWORD: "This account has no password.",
    ErrorCode.ACTION_ON_COOLDOWN: "This action was used too recently to count again.",
    ErrorCode.ACTION_LIMIT_REACHED: "This action has counted as often as it can, in a day (UTC) or ever.",
    ErrorCode.BOARD_CLOSED: "The board is closed.",
    ErrorCode.BOARD_NOT_OPEN: "The board is not open yet.",
    ErrorCode.BOARD_IMMUTABLE: "This never changes, since it would rewrite history. Make another board.",
    ErrorCode.ACHIEVEMENT_IMMUTABLE: "This never changes, since players have it. Make another achievement.",
    ErrorCode.NOT_GRANTABLE: "This achievement is not granted: it is decided by what is scored.",
    ErrorCode.CATALOGUE_CHANGED: "The board has changed since. Read it again.",
    ErrorCode.TOO_MANY: "There may be no more of these.",
    ErrorCode.TOO_LARGE: "The board has too many rows to be had in one piece.",
    ErrorCode.RULE_HAS_NO_ADJUSTMENT: "The board keeps one of the values, so there is nothing to add to.",
    ErrorCode.NOTHING_TO_VOID: "This update was refused, so it counts nothing anyway.",
    ErrorCode.TOO_MANY_EVENTS: "This player has more than 50,000 updates: use `scoreboard events` at a quiet hour.",
    ErrorCode.SEASON_OVERLAPS: "The board has another season in this time.",
    ErrorCode.SEASON_OVER: "The season is over, or will be before every process knows.",
    ErrorCode.SEASON_BEGUN: "The season has begun, or will before every process knows.",
    ErrorCode.NO_HISTORY: "This board does not count days beside all time, so it keeps no history of players.",
    ErrorCode.PERIOD_ARCHIVED: "This would change a day that is archived. An operator can bring it back first.",
    ErrorCode.RATE_LIMITED: "Too many requests from this address.",
    ErrorCode.LOGIN_THROTTLED: "Too many failed logins of this account from this address.",
    ErrorCode.TOO_MANY_CONNECTIONS: "Too many live connections from this address.",
    ErrorCode.INTERNAL_ERROR: "The server failed to answer this request.",
    ErrorCode.DEPENDENCY_UNAVAILABLE: "A part of the service cannot be reached. Nothing was changed; try again.",
    ErrorCode.REBUILDING: "The board is being built anew. Try again.",
    ErrorCode.OUTCOME_UNKNOWN: "It was not confirmed. It may have been accepted; send it again with the same key.",
}
"""What each error says to a person, unless whoever raises it knows more."""


class FieldProblem(TypedDict):
    """What is wrong with one field."""

    field: Annotated[str, Field(examples=["username"])]
    message: Sentence


class PeriodOfBoard(TypedDict):
    """A period of a board."""

    board: Annotated[str, Field(examples=["main"])]
    period: Annotated[str, Field(examples=["2026-01-05"])]


class ErrorDetails(TypedDict, total=False):
    """More about an error, for a program."""

    fields: Annotated[
        list[FieldProblem],
        Field(
            description="With `validation_failed`, `unknown_board`, `unknown_action`, `board_immutable`, "
            "`achievement_immutable`, `too_many`, `season_overlaps`."
        ),
    ]
    serverTime: Annotated[Instant, Field(description="With `timestamp_out_of_range`.")]
    scope: Annotated[str, Field(description="With `api_key_scope`: the scope that is needed.", examples=["players"])]
    revision: Annotated[int, Field(description="With `catalogue_changed`: the board's revision as it is.")]
    periods: Annotated[
        list[PeriodOfBoard], Field(description=f"With `period_archived`: which, {MAX_PROBLEMS} at most.")
    ]
    parts: Annotated[dict[str, Literal["ok", "missing", "away"]], Field(description="Of `GET /readyz`.")]


class Allowance(NamedTuple):
    """A limit that was met: how many it allows, and how many of them are left."""

    amount: int
    remaining: int = 0


class ScoreboardError(Exception):
    """A refusal with a stable code, a sentence for a person (by default that of the code), and optional JSON details.

    `retry_after` is in whole seconds and given where waiting helps; `allowance` where a limit was met.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str | None = None,
        *,
        details: ErrorDetails | None = None,
        retry_after: int | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        self.code = code
        self.message = SENTENCES[code] if message is None else message
        super().__init__(f"{code}: {self.message}")
        self.details = details
        self.retry_after = retry_after
        self.allowance = allowance


def invalid_field(field: str, message: str) -> ScoreboardError:
    """Return the error `validation_failed` for one field."""
    return invalid_fields([(field, message)])


def invalid_fields(problems: list[tuple[str, str]]) -> ScoreboardError:
    fields: list[FieldProblem] = [{"field": field, "message": message} for field, message in problems]
    return ScoreboardError(ErrorCode.VALIDATION_FAILED, details={"fields": fields})


def sentence_of(error: ScoreboardError) -> str:
    """Return the message of an error about one item of many, with the problem of each of its fields."""
    fields = (error.details or {}).get("fields", [])
    problems = "; ".join(f"{problem['field'] or 'item'}: {problem['message']}" for problem in fields)
    return f"{error.message} {problems}".strip()


def unavailable(what: str) -> ScoreboardError:
    """Return the error for a dependency that cannot be reached: nothing was done, and the client may try again."""
    message = f"{what} cannot be reached. Nothing was changed; try again."
    return ScoreboardError(ErrorCode.DEPENDENCY_UNAVAILABLE, message, retry_after=1)


def unfit(what: str) -> ScoreboardError:
    """Return the error for a dependency that does not fit this version now: nothing was done."""
    message = f"{what} does not fit this version of the service. Nothing was changed; try again."
    return ScoreboardError(ErrorCode.DEPENDENCY_UNAVAILABLE, message, retry_after=1)


def outcome_unknown(what: str, advice: str) -> ScoreboardError:
    """Return the error for a dependency that went away after it was told to act: nobody knows whether it did.

    `advice` tells the client what to do.
    """
    return ScoreboardError(ErrorCode.OUTCOME_UNKNOWN, f"{what} did not confirm it. {advice}", retry_after=1)
