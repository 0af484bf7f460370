"""Which boards and actions an installation begins with, and how many boards it may have."""

from pathlib import Path

from pydantic import BaseModel, Field


class Boards(BaseModel):
    """Boards and actions."""

    catalogue: Path | None = Field(
        None,
        alias="SCOREBOARD_CATALOGUE",
        description="A file of boards and actions, which `scoreboard migrate` applies: `/etc/catalogue.toml`.",
    )
    max_boards: int = Field(
        1000, ge=1, le=100_000, alias="SCOREBOARD_MAX_BOARDS", description="Boards, archived ones too."
    )
