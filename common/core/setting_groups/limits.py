"""Who may have an account, and how often anybody may ask."""

from typing import Annotated, Literal

from limits import parse_many as parse_limits
from pydantic import AfterValidator, BaseModel, Field

LARGEST_BATCH = 1000
"""The greatest number of updates in one request of a game server."""


def _rate_limit(text: str) -> str:
    if any(limit.amount < 1 for limit in parse_limits(text)):
        raise ValueError("must allow at least one")
    return text


def _enough_for_a_batch(text: str) -> str:
    if any(limit.amount < LARGEST_BATCH for limit in parse_limits(text)):
        raise ValueError(f"must allow at least {LARGEST_BATCH}, which one batch may hold")
    return text


RateLimit = Annotated[str, AfterValidator(_rate_limit)]
BatchUpdateLimit = Annotated[RateLimit, AfterValidator(_enough_for_a_batch)]


class Limits(BaseModel):
    """Accounts and rates."""

    registration: Literal["open", "closed"] = Field(
        "open", alias="SCOREBOARD_REGISTRATION", description="`closed`: only `scoreboard users create` makes users."
    )
    visibility_default: Literal["named", "anonymous", "unlisted"] = Field(
        "named",
        alias="SCOREBOARD_VISIBILITY_DEFAULT",
        description="How new players stand on boards until they choose: `named`, `anonymous` or `unlisted`.",
    )
    update_limit: RateLimit = Field(
        "10/minute", alias="SCOREBOARD_UPDATE_LIMIT", description="Score updates per user, a moving window."
    )
    ip_limit: RateLimit = Field("100/hour", alias="SCOREBOARD_IP_LIMIT", description="API requests per client address.")
    admin_limit: RateLimit = Field(
        "3600/hour",
        alias="SCOREBOARD_ADMIN_LIMIT",
        description="API requests of one admin, who does not count against the address.",
    )
    login_limit: RateLimit = Field("10/minute", alias="SCOREBOARD_LOGIN_LIMIT", description="Logins per address.")
    login_failure_limit: RateLimit = Field(
        "10/15minute",
        alias="SCOREBOARD_LOGIN_FAILURE_LIMIT",
        description="Failed logins of one account from one address.",
    )
    network_failure_limit: RateLimit = Field(
        "100/15minute",
        alias="SCOREBOARD_NETWORK_FAILURE_LIMIT",
        description="Failed logins from one address, of accounts that it never logged in; an IPv6 /56 has four times "
        "as many, a /48 sixteen times.",
    )
    account_failure_limit: RateLimit = Field(
        "100/hour",
        alias="SCOREBOARD_ACCOUNT_FAILURE_LIMIT",
        description="Failed logins of one account from addresses that never logged it in, before each of them has one "
        "in 15 minutes.",
    )
    register_limit: RateLimit | None = Field(
        None, alias="SCOREBOARD_REGISTER_LIMIT", description="Registrations per address. Default: SCOREBOARD_IP_LIMIT."
    )
    handshake_limit: RateLimit = Field(
        "20000/minute", alias="SCOREBOARD_HANDSHAKE_LIMIT", description="Live connections begun per address."
    )
    api_key_failure_limit: RateLimit = Field(
        "120/minute",
        alias="SCOREBOARD_API_KEY_FAILURE_LIMIT",
        description="From one address: bad signatures of one API key, and keys that nobody has.",
    )
    batch_update_limit: BatchUpdateLimit = Field(
        "300000/minute", alias="SCOREBOARD_BATCH_UPDATE_LIMIT", description="Score updates with one API key."
    )
    batch_limit: RateLimit = Field(
        "600/minute", alias="SCOREBOARD_BATCH_LIMIT", description="Requests with one API key."
    )

    @property
    def registration_limit(self) -> str:
        """How many registrations an address may make."""
        return self.register_limit or self.ip_limit
