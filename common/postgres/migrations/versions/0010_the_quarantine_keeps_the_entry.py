"""the quarantine keeps the entry and when it was accepted"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column(
        "score_quarantine",
        sa.Column("accepted_at", sa.DateTime(timezone=True), comment="by the inbox; null in rows older than this"),
    )
    op.add_column(
        "score_quarantine",
        sa.Column("entry", JSONB, comment="the inbox entry's fields as they stood; null in rows older than this"),
    )
