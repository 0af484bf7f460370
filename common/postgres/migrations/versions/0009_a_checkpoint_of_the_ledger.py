"""a checkpoint of the ledger, and periods that wait for their final snapshot"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "ledger_checkpoint",
        sa.Column("is_only", sa.Boolean, primary_key=True, server_default=sa.text("true")),
        sa.Column("event_id", sa.BigInteger, nullable=False, comment="ledger rows up to it are in ledger_totals"),
        sa.CheckConstraint("is_only", name=op.f("ck_ledger_checkpoint_one_row")),
    )
    op.execute("INSERT INTO ledger_checkpoint (event_id) VALUES (0)")
    op.create_table(
        "ledger_totals",
        sa.Column("user_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("board_id", sa.Text, primary_key=True),
        sa.Column("period_id", sa.Text, primary_key=True),
        sa.Column("score", sa.BigInteger, nullable=False),
        sa.Column("tie", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        postgresql_with={"fillfactor": "80"},
    )
    op.add_column(
        "periods",
        sa.Column(
            "snapshot_due",
            sa.Boolean,
            nullable=False,
            server_default=sa.text("false"),
            comment="it is closed, and its final snapshot is still to be stored",
        ),
    )
    op.create_index(
        op.f("ix_periods_snapshot_due"), "periods", ["snapshot_due"], postgresql_where=sa.text("snapshot_due")
    )
