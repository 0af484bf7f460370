"""rules of actions"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("actions", sa.Column("cooldown_seconds", sa.Integer, comment="null: none"))
    op.add_column("actions", sa.Column("daily_limit", sa.Integer, comment="uses that count in a UTC day; null: any"))
    op.create_check_constraint(op.f("ck_actions_rules"), "actions", "cooldown_seconds > 0 AND daily_limit > 0")
    op.add_column(
        "score_events",
        sa.Column(
            "limits_others",
            sa.Boolean,
            nullable=False,
            server_default=sa.text("false"),
            comment="it counted, and its action has rules: later uses are judged by it",
        ),
    )
    op.create_index(
        op.f("ix_score_events_user_id_action_id_accepted_at"),
        "score_events",
        ["user_id", "action_id", "accepted_at"],
        postgresql_where=sa.text("limits_others"),
    )
