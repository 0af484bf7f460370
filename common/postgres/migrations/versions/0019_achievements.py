"""achievements

All of it is new but one column with a constant default, so nothing is rewritten, and the version before works on.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, INT8MULTIRANGE, UUID

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column(
        "catalogue_version",
        sa.Column(
            "achievements",
            sa.BigInteger,
            nullable=False,
            server_default=sa.text("0"),
            comment="counts the changes of what counts towards achievements; no batch is recorded by another",
        ),
    )
    op.create_table("achievements", *_of_people(), *_of_its_kind(), *_of_its_counting(), *_checks())
    op.create_table(
        "achievement_steps",
        *_key("empty, or the id of the period in which they count"),
        sa.Column("steps", sa.BigInteger, nullable=False, comment="at most the goal"),
        sa.Column(
            "since_event",
            sa.BigInteger,
            nullable=False,
            server_default=sa.text("0"),
            comment="ledger rows up to it count no more, since the achievement was revoked after them",
        ),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_table(
        "step_totals",
        *_key(None),
        sa.Column(
            "steps", sa.BigInteger, nullable=False, comment="of ledger rows up to the checkpoint, beyond the goal too"
        ),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_table(
        "unlocks",
        *_key("empty, or the id of the period in which it was unlocked"),
        sa.Column("event_id", sa.BigInteger, comment="the ledger row that unlocked it; null: no update did"),
        sa.Column("unlocked_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index(op.f("ix_unlocks_achievement_id"), "unlocks", ["achievement_id"])
    op.create_index(
        op.f("ix_unlocks_event_id"), "unlocks", ["event_id"], postgresql_where=sa.text("event_id IS NOT NULL")
    )


def downgrade() -> None:
    for table in ("unlocks", "step_totals", "achievement_steps", "achievements"):
        op.drop_table(table)
    op.drop_column("catalogue_version", "achievements")


def _key(comment: str | None) -> tuple[sa.Column[str], ...]:
    return (
        sa.Column("user_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("achievement_id", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, primary_key=True, comment=comment),
    )


def _flag(name: str, *, default: bool, comment: str | None = None) -> sa.Column[bool]:
    text = sa.text("true" if default else "false")
    return sa.Column(name, sa.Boolean, nullable=False, server_default=text, comment=comment)


def _of_people() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("icon", sa.Text, nullable=False, server_default="star"),
        _flag("secret", default=False, comment="nobody knows it beforehand"),
        _flag("enabled", default=True),
    )


def _of_its_kind() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column(
            "kind",
            sa.Text,
            nullable=False,
            comment="never changes, and neither does anything below but `retroactive`",
        ),
        sa.Column("repeats", sa.Text, comment="the period in each of which it can be unlocked; null: once for ever"),
        sa.Column(
            "actions", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'"), comment="whose uses count"
        ),
        sa.Column("goal", sa.BigInteger, comment="the steps that it takes"),
        sa.Column("board_id", sa.Text),
        sa.Column("period", sa.Text, comment="the name of the period in which the score or the rank counts"),
        sa.Column("reach", sa.BigInteger, comment="the score that it takes"),
        sa.Column("within", sa.Integer, comment="the last final rank that it takes"),
        sa.Column("min_players", sa.Integer, comment="how many must have taken part"),
    )


def _of_its_counting() -> tuple[sa.Column[Any], ...]:
    return (
        _flag("retroactive", default=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("since_event", sa.BigInteger, nullable=False, comment="the last ledger row before it was made"),
        sa.Column(
            "counts",
            INT8MULTIRANGE,
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="the ledger rows whose uses count: all that were recorded while it was enabled",
        ),
        sa.Column("fill_below", sa.BigInteger, comment="ledger rows up to it are being counted too; null: nothing is"),
        sa.Column("fill_after", UUID(as_uuid=False), comment="the last player for whom that is done"),
        sa.Column("holders", sa.BigInteger, comment="the players who have it, as of `counted_at`"),
        sa.Column("players", sa.BigInteger, comment="all players, as of `counted_at`"),
        sa.Column("counted_at", sa.DateTime(timezone=True)),
    )


def _checks() -> tuple[sa.CheckConstraint, ...]:
    return (
        sa.CheckConstraint("kind IN ('count', 'score', 'placement', 'granted')", name=op.f("ck_achievements_kind")),
        sa.CheckConstraint("repeats IN ('daily', 'weekly', 'monthly')", name=op.f("ck_achievements_repeats")),
        sa.CheckConstraint("goal BETWEEN 1 AND 1000000000", name=op.f("ck_achievements_goal")),
        sa.CheckConstraint("(goal IS NOT NULL) = (kind IN ('count', 'granted'))", name=op.f("ck_achievements_steps")),
        sa.CheckConstraint("(cardinality(actions) > 0) = (kind = 'count')", name=op.f("ck_achievements_actions")),
        sa.CheckConstraint("(fill_below IS NULL) = (fill_after IS NULL)", name=op.f("ck_achievements_fill")),
    )
