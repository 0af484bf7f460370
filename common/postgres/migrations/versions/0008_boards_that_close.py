"""boards that close"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column(
        "boards",
        sa.Column(
            "closes_at", sa.DateTime(timezone=True), comment="what is accepted from then on is refused; null: never"
        ),
    )
