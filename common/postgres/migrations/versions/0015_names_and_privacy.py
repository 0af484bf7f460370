"""names, privacy, and new passwords"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, UUID

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    for column in (
        sa.Column("display_name", sa.Text, comment="shown in place of the username"),
        sa.Column("country", sa.Text, comment="ISO 3166-1 alpha-2"),
        sa.Column("avatar", sa.Integer, comment="the number of a built-in picture"),
        sa.Column(
            "visibility", sa.Text, nullable=False, server_default="named", comment="named, anonymous or unlisted"
        ),
        sa.Column("erased_at", instant, comment="from then on nothing here says who it was"),
        sa.Column("password_changed_at", instant),
        sa.Column(
            "details_version",
            sa.BigInteger,
            nullable=False,
            server_default=sa.text("0"),
            comment="counts the changes of what is shown of the player beside scores",
        ),
        sa.Column(
            "renamed_at",
            ARRAY(instant),
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="of the last day; at most 5",
        ),
    ):
        op.add_column("users", column)
    op.create_check_constraint(op.f("ck_users_visibility"), "users", "visibility IN ('named', 'anonymous', 'unlisted')")
    op.create_check_constraint(op.f("ck_users_avatar"), "users", "avatar BETWEEN 0 AND 63")
    op.alter_column(
        "users",
        "redis_behind",
        existing_type=sa.Boolean,
        existing_nullable=False,
        existing_server_default=sa.text("false"),
        comment="Redis may be behind PostgreSQL in what it shows of this player",
    )
    op.alter_column(
        "sessions",
        "revoked_for",
        existing_type=sa.Text,
        existing_nullable=True,
        comment="logout, reuse, suspension, password or erasure",
    )
    op.create_table(
        "reset_codes",
        sa.Column("fingerprint", sa.LargeBinary, primary_key=True, comment="SHA-256; the code itself is not kept"),
        sa.Column("user_id", UUID(as_uuid=False), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("used_at", instant),
    )
    op.create_table(
        "kept_names",
        sa.Column("digest", sa.LargeBinary, primary_key=True, comment="keyed, of the username of an erased account"),
        sa.Column("until", instant, nullable=False, comment="from then on the name can be taken again"),
    )
    op.create_index(op.f("ix_reset_codes_user_id"), "reset_codes", ["user_id"])
