"""boards that the lowest score leads"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    column: sa.Column[bool] = sa.Column(
        "ascending",
        sa.Boolean(),
        server_default=sa.text("false"),
        nullable=False,
        comment="whether the lowest score leads; never changes",
    )
    op.add_column("boards", column)
