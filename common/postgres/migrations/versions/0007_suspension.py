"""suspension"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("users", sa.Column("suspended_at", sa.DateTime(timezone=True)))
    op.add_column(
        "users",
        sa.Column(
            "redis_behind",
            sa.Boolean,
            nullable=False,
            server_default=sa.text("false"),
            comment="Redis may not show yet that the user was suspended or reinstated",
        ),
    )
    op.create_index(op.f("ix_users_redis_behind"), "users", ["redis_behind"], postgresql_where=sa.text("redis_behind"))
    op.add_column(
        "standings",
        sa.Column(
            "hidden",
            sa.Boolean,
            nullable=False,
            server_default=sa.text("false"),
            comment="of a suspended user: counted, and not shown",
        ),
    )
    op.create_index(
        op.f("ix_standings_board_id_period_id"),
        "standings",
        ["board_id", "period_id"],
        postgresql_where=sa.text("hidden"),
    )
    op.alter_column(
        "sessions",
        "revoked_for",
        existing_type=sa.Text,
        comment="logout, reuse or suspension",
        existing_comment="logout or reuse",
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("actor", sa.Text, nullable=False, comment="the id of an admin, or `command line`"),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False, comment="whom or what it was done to"),
        sa.Column("details", JSONB, nullable=False),
    )
