"""The bodies and queries that clients send: one model each for parsing and for documentation."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

from common.timestamps import parse_instant

RESERVED_USERNAMES = frozenset(
    {"admin", "administrator", "anonymous", "guest", "moderator", "null", "root", "scoreboard", "system", "undefined"}
)


def _canonical_uuid(text: str) -> str:
    if str(UUID(text)) != text.lower():
        raise ValueError("must be a UUID")
    return text


UserId = Annotated[str, Field(min_length=36, max_length=36), AfterValidator(_canonical_uuid)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
IdempotencyKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]


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
