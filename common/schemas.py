"""The bodies and queries that clients send: one model each for parsing and for documentation."""

import re
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

from common.keys import DEFAULT_BOARD
from common.periods import ALL_TIME
from common.timestamps import parse_instant

RESERVED_USERNAMES = frozenset(
    {"admin", "administrator", "anonymous", "guest", "moderator", "null", "root", "scoreboard", "system", "undefined"}
)


def _canonical_uuid(text: str) -> str:
    if str(UUID(text)) != text.lower():
        raise ValueError("must be a UUID")
    return text


def _plain_digits(value: object) -> object:
    """A query's number is digits and nothing else; pydantic would also take `1_0`, `+5` and `10.0`."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,9}", value):
        raise ValueError("must be a whole number")
    return value


UserId = Annotated[str, Field(min_length=36, max_length=36), AfterValidator(_canonical_uuid)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
_IDEMPOTENCY_KEY = r"^[A-Za-z0-9_-]{8,64}$"
IdempotencyKey = Annotated[str, Field(pattern=_IDEMPOTENCY_KEY)]
PageSize = Annotated[int, BeforeValidator(_plain_digits), Field(ge=1, le=100)]


def is_idempotency_key(text: str) -> bool:
    return re.fullmatch(_IDEMPOTENCY_KEY, text, re.ASCII) is not None


class Strict(BaseModel):
    """Exactly the documented fields, in camelCase, each of its own JSON type."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, hide_input_in_errors=True)


class RegisterRequest(Strict):
    """POST /api/auth/register"""

    username: str = Field(pattern=r"^[A-Za-z0-9_.-]{3,32}$")
    password: str = Field(min_length=8, max_length=128, repr=False)

    @field_validator("username")
    @classmethod
    def _not_reserved(cls, username: str) -> str:
        if username.lower() in RESERVED_USERNAMES:
            raise ValueError("this name is reserved")
        return username


class LoginRequest(Strict):
    """POST /api/auth/login"""

    username: str = Field(min_length=1, max_length=128)
    password: str = Field(min_length=1, max_length=128, repr=False)


class RefreshRequest(Strict):
    """POST /api/auth/refresh"""

    refresh_token: str = Field(min_length=1, max_length=512, repr=False)


class ScoreUpdateRequest(Strict):
    """POST /api/scores/update. `timestamp` stays as sent: it is part of the signed text."""

    user_id: UserId
    action_id: Slug
    timestamp: str = Field(max_length=40)
    idempotency_key: IdempotencyKey
    signature: str = Field(max_length=128, repr=False)

    @field_validator("timestamp")
    @classmethod
    def _is_instant(cls, timestamp: str) -> str:
        parse_instant(timestamp)
        return timestamp

    @property
    def occurred_at(self) -> datetime:
        return parse_instant(self.timestamp)


class BoardQuery(Strict):
    """Which board and period a read is about; `period` is a name or an id."""

    board: Slug = DEFAULT_BOARD
    period: str = Field(ALL_TIME, max_length=16)


class LeaderboardQuery(BoardQuery):
    """GET /api/scores/leaderboard. A cursor already says where, so it goes with no `around`."""

    limit: PageSize = 10
    cursor: str | None = Field(None, max_length=512)
    around: UserId | None = None


class SnapshotsQuery(BoardQuery):
    """GET /api/scores/snapshots"""

    limit: PageSize = 10
    cursor: str | None = Field(None, max_length=512)


class LiveQuery(BoardQuery):
    """WS /ws/scoreboard"""

    limit: PageSize = 10
    since: str | None = Field(None, max_length=64)
    ticket: str | None = Field(None, max_length=128)
