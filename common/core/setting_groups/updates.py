"""How long updates and their receipts wait, and which snapshots are kept."""

from pydantic import BaseModel, Field


class Updates(BaseModel):
    """Updates and snapshots."""

    result_wait_ms: int = Field(
        1000, ge=0, le=10_000, alias="SCOREBOARD_RESULT_WAIT_MS", description="How long an update waits for a 200."
    )
    receipt_ttl: int = Field(
        3600, ge=1, alias="SCOREBOARD_RECEIPT_TTL", description="Seconds for which Redis itself answers a replay."
    )
    inbox_max: int = Field(
        1_000_000, ge=1, alias="SCOREBOARD_INBOX_MAX", description="Accepted, unapplied updates before a 503."
    )
    snapshot_minutes: int = Field(
        5, ge=1, le=1440, alias="SCOREBOARD_SNAPSHOT_MINUTES", description="Minutes between stored snapshots."
    )
    snapshot_keep_days: int = Field(
        30,
        ge=1,
        alias="SCOREBOARD_SNAPSHOT_KEEP_DAYS",
        description="Days for which all snapshots are kept; later the last of each day is, for ever.",
    )
