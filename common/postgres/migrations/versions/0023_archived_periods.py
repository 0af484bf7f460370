"""archived periods

`archives`, which nothing has written to, has its chunks by final rank now, so that a page is one of them, and
`archived_players` tells which chunk has a player. What is compressed already is not compressed again. The two new
indexes leave out all but what is archived or suspended. The version before works on: it archives nothing. A step back
is refused while something is archived.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0023"
down_revision = "0022"

_NOTHING_ARCHIVED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM archives) THEN
        RAISE EXCEPTION 'bring all archived periods back first: scoreboard periods restore';
    END IF;
END $$
"""
_SUSPENDED = "ix_users_suspended"
_BY_RANK = "counts the chunks of a period from 0, by final rank"
_BY_ID = "counts the chunks of a period from 0, by user id"


def upgrade() -> None:
    _index_suspended()
    op.drop_column("archives", "first_user_id")
    op.alter_column("archives", "chunk", existing_type=sa.Integer, existing_nullable=False, comment=_BY_RANK)
    for column in (
        sa.Column("off", sa.Integer, nullable=False, comment="the rows in it that are hidden for ever"),
        sa.Column("score", sa.BigInteger, nullable=False, comment="of its first row"),
        sa.Column("second", sa.BigInteger, nullable=False, comment="of its first row"),
        sa.Column("tie", sa.BigInteger, nullable=False, comment="of its first row"),
    ):
        op.add_column("archives", column)
    op.create_table(
        "archived_players",
        sa.Column("board_id", sa.Text, primary_key=True),
        sa.Column("period_id", sa.Text, primary_key=True),
        sa.Column("first_user_id", UUID(as_uuid=False), primary_key=True, comment="of the players in it, the least"),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False, comment="user ids, and which chunk has the row of each"),
    )
    for table in ("archives", "archived_players"):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN data SET STORAGE EXTERNAL")
    op.create_index(
        op.f("ix_periods_archived"),
        "periods",
        ["board_id", "period_id"],
        postgresql_where=sa.text("archived_at IS NOT NULL"),
    )


def _index_suspended() -> None:
    """Beside what goes on: there may be millions of users. What an attempt that died has left is made anew."""
    suspended = sa.text("suspended_at IS NOT NULL")
    with op.get_context().autocommit_block():
        op.drop_index(op.f(_SUSPENDED), "users", postgresql_concurrently=True, if_exists=True)
        op.create_index(op.f(_SUSPENDED), "users", ["id"], postgresql_where=suspended, postgresql_concurrently=True)


def downgrade() -> None:
    op.execute(_NOTHING_ARCHIVED)
    op.drop_index(op.f(_SUSPENDED), "users")
    op.drop_index(op.f("ix_periods_archived"), "periods")
    op.drop_table("archived_players")
    for column in ("off", "score", "second", "tie"):
        op.drop_column("archives", column)
    op.alter_column("archives", "chunk", existing_type=sa.Integer, existing_nullable=False, comment=_BY_ID)
    op.add_column("archives", sa.Column("first_user_id", UUID(as_uuid=False), nullable=False))
