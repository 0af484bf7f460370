"""corrections"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "voids",
        sa.Column(
            "event_id",
            sa.BigInteger,
            primary_key=True,
            autoincrement=False,
            comment="the ledger row that counts nowhere from now on",
        ),
        *_who_and_why(),
        sa.Column("amends", sa.Boolean, nullable=False, comment="whether it changes periods that are closed, too"),
    )
    op.create_table(
        "disqualifications",
        sa.Column("board_id", sa.Text, primary_key=True),
        sa.Column("user_id", UUID(as_uuid=False), primary_key=True),
        *_who_and_why(),
    )
    op.create_index(op.f("ix_disqualifications_user_id"), "disqualifications", ["user_id"])


def _who_and_why() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("actor", sa.Text, nullable=False, comment="the id of an admin or an API key, or `command line`"),
        sa.Column("reason", sa.Text, nullable=False),
    )
