"""players of game servers, and what an API key may do"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, UUID

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "identities",
        sa.Column("realm", sa.Text, primary_key=True, comment="that of the API keys that may name it"),
        sa.Column("external_id", sa.Text, primary_key=True),
        sa.Column("user_id", UUID(as_uuid=False), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.create_index(op.f("ix_identities_user_id"), "identities", ["user_id"])
    for column in (
        sa.Column("scopes", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{submit}'")),
        sa.Column("realm", sa.Text, nullable=False, server_default="default", comment="whose external ids it may name"),
        sa.Column("actions", ARRAY(sa.Text), comment="ids, or beginnings with a `*`, that it may claim; null: all"),
    ):
        op.add_column("api_keys", column)
    op.alter_column(
        "users",
        "password_hash",
        existing_type=sa.Text,
        nullable=True,
        comment="null: the account has no password",
    )
