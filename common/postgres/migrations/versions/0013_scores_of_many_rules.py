"""scores of many rules

Every new column has a constant default or none, so no table is rewritten. `standings.hidden_for` may disagree with
`hidden` while the version before still writes: `hidden` is what counts, and the bits say why.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0013"
down_revision = "0012"

_GREATEST_SECOND = 10**15 - 1


def upgrade() -> None:
    op.add_column("score_events", _second("the second score"))
    op.add_column(
        "score_events",
        sa.Column("left_out", ARRAY(sa.Text), comment="boards of its action on which it does not count; null: none"),
    )
    op.add_column("ledger_totals", _second(None))
    op.add_column("ledger_totals", sa.Column("decided_at", sa.DateTime(timezone=True)))
    op.add_column("standings", _second("the second score"))
    op.add_column(
        "standings",
        sa.Column(
            "decided_at",
            sa.DateTime(timezone=True),
            comment="when the event that decides happened, under the rule `latest`",
        ),
    )
    op.add_column(
        "standings",
        sa.Column(
            "hidden_for",
            sa.SmallInteger,
            nullable=False,
            server_default=sa.text("0"),
            comment="why it is hidden, as bits (common/domain/standing.py); 0 in a hidden row: suspended",
        ),
    )
    op.alter_column(
        "standings",
        "hidden",
        existing_type=sa.Boolean,
        existing_nullable=False,
        existing_server_default=sa.text("false"),
        comment="counted, and not shown",
    )
    op.execute(
        "ALTER TABLE standings ADD CONSTRAINT ck_standings_second_range"
        f" CHECK (second BETWEEN -{_GREATEST_SECOND} AND {_GREATEST_SECOND}) NOT VALID"
    )


def _second(comment: str | None) -> sa.Column[int]:
    return sa.Column("second", sa.BigInteger, nullable=False, server_default=sa.text("0"), comment=comment)
