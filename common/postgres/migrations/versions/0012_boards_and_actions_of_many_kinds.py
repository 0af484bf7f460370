"""boards and actions of many kinds

Every new column has a constant default, so no table is rewritten, and the version before works on.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0012"
down_revision = "0011"

_GREATEST_SCORE = 2**53 - 1


def upgrade() -> None:
    _widen_boards()
    _widen_actions()
    op.create_table(
        "catalogue_version",
        sa.Column("is_only", sa.Boolean, primary_key=True, server_default=sa.text("true")),
        sa.Column("version", sa.BigInteger, nullable=False, comment="counts the changes of boards and actions"),
        sa.CheckConstraint("is_only", name=op.f("ck_catalogue_version_one_row")),
    )
    op.execute("INSERT INTO catalogue_version (version) VALUES (1)")


def _widen_boards() -> None:
    instant = sa.DateTime(timezone=True)
    for column in (
        sa.Column("title", sa.Text, nullable=False, server_default=""),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("category", sa.Text),
        sa.Column("position", sa.Integer, nullable=False, server_default=sa.text("0"), comment="its place in lists"),
        sa.Column("rule", sa.Text, nullable=False, server_default="sum", comment="never changes"),
        sa.Column(
            "second",
            JSONB(none_as_null=True),
            comment="the second score: ascending, label, format; its order never changes",
        ),
        sa.Column(
            "periods",
            ARRAY(sa.Text),
            nullable=False,
            server_default=sa.text("'{all,daily,weekly,monthly}'"),
            comment="never change",
        ),
        sa.Column("format", JSONB, nullable=False, server_default=sa.text("""'{"kind": "integer"}'""")),
        sa.Column("ties", sa.Text, nullable=False, server_default="ordinal"),
        sa.Column("visibility", sa.Text, nullable=False, server_default="public"),
        sa.Column("opens_at", instant, comment="what is accepted before is refused; null: it has always been open"),
        sa.Column("archived_at", instant, comment="from then on it is on no list and takes no updates"),
        sa.Column("revision", sa.Integer, nullable=False, server_default=sa.text("1"), comment="counts its changes"),
    ):
        op.add_column("boards", column)
    for name, condition in {
        "rule": "rule IN ('sum', 'count', 'highest', 'lowest', 'latest')",
        "rule_and_order": "rule NOT IN ('highest', 'lowest') OR ascending = (rule = 'lowest')",
        "ties": "ties IN ('ordinal', 'shared')",
        "visibility": "visibility IN ('public', 'players', 'hidden')",
        "periods": "cardinality(periods) > 0 AND periods <@ '{all,daily,weekly,monthly}'",
        "main": "id <> 'main' OR (rule = 'sum' AND second IS NULL AND archived_at IS NULL)",
    }.items():
        op.create_check_constraint(op.f(f"ck_boards_{name}"), "boards", condition)


def _widen_actions() -> None:
    for column in (
        sa.Column("lifetime_limit", sa.Integer, comment="uses that ever count; null: any"),
        sa.Column("kind", sa.Text, nullable=False, server_default="points", comment="points or value"),
        sa.Column("value_min", sa.BigInteger),
        sa.Column("value_max", sa.BigInteger),
        sa.Column(
            "claimed_by", sa.Text, nullable=False, server_default="both", comment="player, server, both or admin"
        ),
    ):
        op.add_column("actions", column)
    op.alter_column(
        "actions", "points", existing_type=sa.BigInteger, comment="0 for an action of values", existing_nullable=False
    )
    for name, condition in {
        "value_min_range": f"value_min BETWEEN -{_GREATEST_SCORE} AND {_GREATEST_SCORE}",
        "value_max_range": f"value_max BETWEEN -{_GREATEST_SCORE} AND {_GREATEST_SCORE}",
        "lifetime_limit": "lifetime_limit BETWEEN 1 AND 1000",
        "kinds": "kind IN ('points', 'value') AND claimed_by IN ('player', 'server', 'both', 'admin')",
        "values": "kind = 'points' OR (points = 0 AND claimed_by IN ('server', 'admin'))",
        "value_order": "value_min <= value_max",
    }.items():
        op.create_check_constraint(op.f(f"ck_actions_{name}"), "actions", condition)
