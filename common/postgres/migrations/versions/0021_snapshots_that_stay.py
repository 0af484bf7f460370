"""snapshots that stay

The last snapshot of each day stays for ever. The new column has a constant default, so no table is rewritten; the new
index leaves out what stays, and takes the place of one that did not. The version before works on: it deletes what is
old without looking at the column.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_BEFORE, _NOW = "ix_snapshots_taken_at", "ix_snapshots_thinned"


def upgrade() -> None:
    op.add_column(
        "snapshots",
        sa.Column(
            "ends_its_day",
            sa.Boolean,
            nullable=False,
            server_default=sa.text("false"),
            comment="it is old, and the last one of its day: it stays for ever",
        ),
    )
    op.create_index(op.f(_NOW), "snapshots", ["taken_at"], postgresql_where=sa.text("NOT ends_its_day"))
    op.drop_index(op.f(_BEFORE), "snapshots")


def downgrade() -> None:
    op.create_index(op.f(_BEFORE), "snapshots", ["taken_at"])
    op.drop_index(op.f(_NOW), "snapshots")
    op.drop_column("snapshots", "ends_its_day")
