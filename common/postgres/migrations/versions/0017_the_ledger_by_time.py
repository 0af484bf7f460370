"""the ledger by time, and the bound of second scores

An index of blocks takes next to no room, since rows are recorded in the order of time. It is built in one pass beside
the service, outside of a transaction: what a broken attempt has left is removed first.
"""

from alembic import op

revision = "0017"
down_revision = "0016"

_NAME = "ix_score_events_recorded_at"


def upgrade() -> None:
    op.execute("ALTER TABLE standings VALIDATE CONSTRAINT ck_standings_second_range")  # beside the service, too
    with op.get_context().autocommit_block():
        op.drop_index(op.f(_NAME), "score_events", postgresql_concurrently=True, if_exists=True)
        op.create_index(
            op.f(_NAME), "score_events", ["recorded_at"], postgresql_using="brin", postgresql_concurrently=True
        )
