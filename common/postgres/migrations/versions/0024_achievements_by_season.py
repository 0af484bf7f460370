"""achievements by season, and of final ranks of the past

The new check allows more than the one before, and the new column is null, so the version before works on. Achievements
that repeat by season have a board, whichever kind they are of. The way back is open while there are none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

_REPEATS = "ck_achievements_repeats"


def upgrade() -> None:
    op.drop_constraint(op.f(_REPEATS), "achievements", type_="check")
    op.create_check_constraint(op.f(_REPEATS), "achievements", "repeats IN ('daily', 'weekly', 'monthly', 'season')")
    op.create_check_constraint(
        op.f("ck_achievements_season"), "achievements", "repeats <> 'season' OR board_id IS NOT NULL"
    )
    op.alter_column("achievements", "board_id", existing_type=sa.Text, comment=_BOARD)
    op.add_column("achievements", sa.Column("fill_period", sa.Text, comment=_FILL))


def downgrade() -> None:
    op.drop_column("achievements", "fill_period")
    op.drop_constraint(op.f("ck_achievements_season"), "achievements", type_="check")
    op.drop_constraint(op.f(_REPEATS), "achievements", type_="check")
    op.create_check_constraint(op.f(_REPEATS), "achievements", "repeats IN ('daily', 'weekly', 'monthly')")
    op.alter_column("achievements", "board_id", existing_type=sa.Text, comment=None)


_BOARD = "of the score or the rank, or the one whose seasons are meant"
_FILL = "of final ranks: the last period for which that is done"
