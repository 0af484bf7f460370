"""Who may watch live, and how many may."""

from typing import Literal

from pydantic import BaseModel, Field


class Live(BaseModel):
    """The live socket."""

    live_auth: Literal["public", "required"] = Field(
        "public", alias="SCOREBOARD_LIVE_AUTH", description="`required`: the live socket takes a ticket."
    )
    live_per_ip: int = Field(
        20, ge=1, alias="SCOREBOARD_LIVE_PER_IP", description="Live connections per address and process."
    )
    live_max: int = Field(10_000, ge=1, alias="SCOREBOARD_LIVE_MAX", description="Live connections per process.")
    live_groups: int = Field(
        1000,
        ge=1,
        alias="SCOREBOARD_LIVE_GROUPS",
        description="Different lists (board, period and limit) that viewers of a process may watch at a time.",
    )
