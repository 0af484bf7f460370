"""standings by player"""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index(op.f("ix_standings_user_id"), "standings", ["user_id"])
