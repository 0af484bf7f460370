"""API keys"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column(
            "generation",
            sa.Integer,
            nullable=False,
            server_default=sa.text("1"),
            comment="the secret is derived from the id and this",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("previous_until", sa.DateTime(timezone=True), comment="the generation before still signs until then"),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
    )
