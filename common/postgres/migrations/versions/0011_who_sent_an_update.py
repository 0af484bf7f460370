"""who sent an update

A nullable column without a default is added without rewriting the ledger. It needs the table to itself for a moment;
if it cannot have it within three seconds, the migration ends with everything as it was, and may be run again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column(
        "score_events",
        sa.Column(
            "source",
            sa.Text,
            comment="who sent it: `player`, or the id of an API key; null: a version that did not say",
        ),
    )
