"""figures of hours

Three new tables, which nobody but a chore writes. The index of the ledger by time, by which an hour is found, has been
there since 0017.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0022"
down_revision = "0021"


def _hour() -> sa.Column[datetime]:
    return sa.Column("hour", sa.DateTime(timezone=True), primary_key=True)


def _figures() -> tuple[sa.Column[Any], ...]:
    zero = sa.text("0")
    counts = (sa.Column(name, sa.BigInteger, nullable=False, server_default=zero) for name in ("updates", "refused"))
    points = (sa.Column(name, sa.Numeric, nullable=False, server_default=zero) for name in ("points_in", "points_out"))
    return (*counts, *points)


def upgrade() -> None:
    op.create_table(
        "counted_hours",
        _hour(),
        sa.Column(
            "counted_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="more than five minutes after its end: it is counted for good",
        ),
        sa.Column("took_ms", sa.BigInteger, nullable=False, server_default=sa.text("0"), comment="to count it"),
        sa.Column(
            "movers",
            JSONB,
            nullable=False,
            server_default=sa.text("'[]'"),
            comment="who gained most on the default board: user id and points",
        ),
    )
    op.create_table(
        "hourly_stats",
        _hour(),
        sa.Column("action_id", sa.Text, primary_key=True),
        *_figures(),
        sa.Column("refusals", JSONB, nullable=False, server_default=sa.text("'{}'"), comment="error code -> how many"),
    )
    op.create_table(
        "hourly_boards",
        _hour(),
        sa.Column("board_id", sa.Text, primary_key=True),
        sa.Column("active_players", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("new_players", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        *_figures(),
    )
