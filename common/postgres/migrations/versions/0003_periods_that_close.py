"""periods that close"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "periods",
        sa.Column("board_id", sa.Text(), nullable=False),
        sa.Column("period_id", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "closed_at", sa.DateTime(timezone=True), nullable=True, comment="from then on its standings are final"
        ),
        sa.Column("last_event_id", sa.BigInteger(), nullable=True, comment="the last ledger row that could count"),
        sa.CheckConstraint("(closed_at IS NULL) = (last_event_id IS NULL)", name=op.f("ck_periods_closed")),
        sa.PrimaryKeyConstraint("board_id", "period_id", name=op.f("pk_periods")),
    )
    op.create_index(op.f("ix_periods_ends_at"), "periods", ["ends_at"], postgresql_where=sa.text("closed_at IS NULL"))
    op.create_index(op.f("ix_periods_closed_at"), "periods", ["closed_at"])
