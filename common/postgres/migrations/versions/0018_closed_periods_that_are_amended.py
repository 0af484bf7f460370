"""closed periods that are amended

Every new column has a constant default or none, so no table is rewritten, and the version before works on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column(
        "periods",
        sa.Column(
            "revision",
            sa.Integer,
            nullable=False,
            server_default=sa.text("1"),
            comment="counts the amendments of its final standings",
        ),
    )
    op.add_column(
        "periods",
        sa.Column(
            "amended_at",
            sa.DateTime(timezone=True),
            comment="when its final standings were last changed by a correction",
        ),
    )
    op.add_column(
        "disqualifications",
        sa.Column(
            "amends",
            sa.Boolean,
            nullable=False,
            server_default=sa.text("false"),
            comment="whether it holds for periods that were closed before, too",
        ),
    )
    op.create_index(op.f("ix_voids_at"), "voids", ["at"])
    op.create_table(
        "kept_voids",
        sa.Column("event_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("board_id", sa.Text, primary_key=True),
        sa.Column(
            "period_id",
            sa.Text,
            primary_key=True,
            comment="a period that was closed while the ledger row was void, and stays without it",
        ),
    )
