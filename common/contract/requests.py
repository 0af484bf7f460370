"""The bodies and queries that clients send: one model each for parsing and for documentation."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SkipValidation, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from common.contract import known_passwords
from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.contract.fields import (
    ActionId,
    AskedPeriod,
    BoardId,
    Cursor,
    GivenUserId,
    IdempotencyKey,
    PageSize,
    Version,
    composed,
)
from common.core.timestamps import parse_instant

NEW_USERNAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{2,31}$"
"""The pattern of new names: none looks like an option or a hidden file. Older accounts have other names too."""

SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 128

RESERVED_USERNAMES = frozenset(
    {"admin", "administrator", "anonymous", "guest", "moderator", "null", "root", "scoreboard", "system", "undefined"}
)
_INSTANT_WITH_OFFSET = r"^[0-9]{4}[0-9W-]{3,6}T[0-9]{2}[0-9:.,]*(?:Z|[+-][0-9]{2}[0-9:.]*)$"


class Strict(BaseModel):
    """Exactly the documented fields, in camelCase, each of its own JSON type."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, hide_input_in_errors=True)


def _composed(password: object) -> object:
    """Before it is measured: what a Mac types is longer."""
    return composed(password) if isinstance(password, str) else password


def may_be_left_out(body: type[BaseModel]) -> bool:
    """Return whether a request may omit this body, because all of its fields have defaults."""
    return not any(field.is_required() for field in body.model_fields.values())


class RegisterRequest(Strict):
    """The account that is wanted."""

    username: str = Field(
        pattern=NEW_USERNAME,
        description="Unique without regard to case. A few names are reserved.",
        examples=["ada"],
        json_schema_extra={"not": {"enum": [*sorted(RESERVED_USERNAMES)]}},
    )
    password: Annotated[
        str,
        Field(
            min_length=SHORTEST_PASSWORD,
            max_length=LONGEST_PASSWORD,
            description="Neither the username nor one of the passwords that are guessed first. Text that looks the "
            "same is the same password (Unicode NFC).",
            examples=["correct horse"],
        ),
        BeforeValidator(_composed),
    ] = Field(repr=False)

    @field_validator("password")
    @classmethod
    def _not_guessed_first(cls, password: str, others: ValidationInfo) -> str:
        problem = known_passwords.problem(password, others.data.get("username", ""))
        if problem:
            raise ValueError(problem)
        return password

    @field_validator("username")
    @classmethod
    def _not_reserved(cls, username: str) -> str:
        if username.lower() in RESERVED_USERNAMES:
            raise ValueError("this name is reserved")
        return username


class LoginRequest(Strict):
    """Who logs in. The name counts in any case."""

    username: str = Field(min_length=1, max_length=128, examples=["ada"])
    password: str = Field(min_length=1, max_length=128, repr=False, examples=["correct horse"])


class RefreshRequest(Strict):
    """The refresh token that was handed out last."""

    refresh_token: str = Field(
        min_length=1, max_length=512, repr=False, examples=["Zk1mU3l2b0pXcWJ4RzVhVnR5a0hfZVBvN0ZRYzJkNnM"]
    )


class ModerationRequest(Strict):
    """Why a user is suspended or reinstated, for the audit log."""

    reason: str = Field("", max_length=500, examples=["impossible scores"])


class Claim(Strict):
    """That a player did something. `timestamp` stays as sent: it may be part of a signed text."""

    user_id: GivenUserId
    action_id: ActionId
    timestamp: str = Field(
        max_length=40,
        # No format: a generated client would parse it and write it anew, and the signature is over what was written.
        pattern=_INSTANT_WITH_OFFSET,
        description="When it happened: ISO 8601 with an offset, within 300 s of the server's time. Send the very text "
        "that you signed.",
        examples=["2026-11-23T09:15:00.123Z"],
    )
    idempotency_key: IdempotencyKey

    @field_validator("timestamp")
    @classmethod
    def _is_instant(cls, timestamp: str) -> str:
        parse_instant(timestamp)
        return timestamp

    @property
    def occurred_at(self) -> datetime:
        return parse_instant(self.timestamp)


class ScoreUpdateRequest(Claim):
    """A player's own claim, signed."""

    signature: str = Field(
        max_length=128,
        repr=False,
        description="Lower-case hex HMAC-SHA256 of the signed text with the session's signing key.",
        examples=["5f0c2f6b8d3e4a1907c6b5a4f3e2d1c00f1e2d3c4b5a69788796a5b4c3d2e1f0"],
    )


class BatchRequest(Strict):
    """Claims of a game server. Each is looked at by itself, so that a bad one does not hold up the others."""

    updates: list[SkipValidation[Claim]] = Field(min_length=1, max_length=1000)


class UpdateQuery(Strict):
    """Whose update is meant: with an access token only one's own, with an API key anybody's."""

    user_id: GivenUserId | None = None


class BoardQuery(Strict):
    """Which board and period a read is about; `period` is a name or an id."""

    board: BoardId = DEFAULT_BOARD
    period: AskedPeriod = ALL_TIME


class BoardsQuery(Strict):
    """A page of the list of boards."""

    category: str | None = Field(None, pattern=r"^[a-z0-9-]{1,32}$", examples=["laps"])
    state: Literal["planned", "open", "closed"] | None = Field(None, description="As of now.", examples=["open"])
    limit: PageSize = 50
    cursor: Cursor | None = None


class LeaderboardQuery(BoardQuery):
    """A page of a board. A cursor already says where, so it goes with no `around`."""

    limit: PageSize = 10
    cursor: Cursor | None = None
    around: GivenUserId | None = None


class SnapshotsQuery(BoardQuery):
    """A page of the snapshots of a board."""

    limit: PageSize = 10
    cursor: Cursor | None = None


class LiveQuery(BoardQuery):
    """What a viewer wants to see."""

    limit: PageSize = 10
    since: Version | None = Field(None, max_length=96, description="The version last seen, as `epoch:seq`.")
    ticket: str | None = Field(
        None,
        max_length=128,
        description="A ticket of `POST /api/auth/ticket`, for the viewer's own place.",
        examples=["k3mXvT0pQeWc7dJt1sYbN5uR2aLhF8oG4iZx6KqPwEM"],
    )
