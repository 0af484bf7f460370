"""seasons, ranked periods, and what is kept of the past

Every new column has a constant default or none, so no table is rewritten, and the version before works on.

Two seasons of a board never overlap. The constraint says so without the extension btree_gist, which a role that owns
nothing but its schema may not be able to install: a board's id stands in it as a range of one number, its hash.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID, ExcludeConstraint

revision = "0020"
down_revision = "0018"

_CALENDAR = "'{all,daily,weekly,monthly}'"


def upgrade() -> None:
    _add_seasons()
    _rank_periods()
    _keep_days()
    _add_archives()


def _add_seasons() -> None:
    instant = sa.DateTime(timezone=True)
    op.drop_constraint(op.f("ck_boards_periods"), "boards")
    op.create_check_constraint(
        op.f("ck_boards_periods"),
        "boards",
        f"periods && {_CALENDAR} AND periods <@ '{{all,daily,weekly,monthly,season}}'",
    )
    op.create_table(
        "seasons",
        sa.Column("board_id", sa.Text, sa.ForeignKey("boards.id"), primary_key=True),
        sa.Column("season_id", sa.Text, primary_key=True, comment="without the `s-` that begins the period's id"),
        sa.Column("title", sa.Text, nullable=False, server_default=""),
        sa.Column("starts_at", instant, nullable=False),
        sa.Column("ends_at", instant, nullable=False),
        sa.Column("created_at", instant, nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("season_id ~ '^[a-z0-9-]{1,32}$'", name=op.f("ck_seasons_id")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_seasons_span")),
        ExcludeConstraint(
            (sa.text("int8range(hashtextextended(board_id, 0), hashtextextended(board_id, 0), '[]')"), "&&"),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            name=op.f("ex_seasons_overlap"),
            deferrable=True,
            initially="DEFERRED",
        ),
    )


def _rank_periods() -> None:
    instant = sa.DateTime(timezone=True)
    for column in (
        sa.Column("ranked_at", instant, comment="when its final ranks were stored; null: they still have to be"),
        sa.Column("total", sa.BigInteger, comment="the players who were shown when it was ranked"),
        sa.Column("digest", sa.Text, comment="of the table as it was shown when ranked, in hex"),
        sa.Column("previous_digest", sa.Text, comment="with which `digest` begins: that of the period before"),
        sa.Column("archived_at", instant, comment="its standings are in `archives` from then on"),
    ):
        op.add_column("periods", column)
    op.create_index(
        op.f("ix_periods_to_rank"),
        "periods",
        ["ends_at"],
        postgresql_where=sa.text("closed_at IS NOT NULL AND ranked_at IS NULL"),
    )
    op.add_column(
        "standings",
        sa.Column(
            "final_rank", sa.BigInteger, comment="in a ranked period: its place among all rows, hidden ones too, from 1"
        ),
    )
    op.add_column(
        "standings",
        sa.Column(
            "final_hidden",
            sa.Boolean,
            nullable=False,
            server_default=sa.text("false"),
            comment="in a ranked period: whether it was hidden when the period was ranked",
        ),
    )


def _keep_days() -> None:
    op.create_table(
        "day_marks",
        sa.Column("user_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("board_id", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True, comment="a day of UTC on which the player was active on the board"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="the instant of score, rank and total"),
        sa.Column("score", sa.BigInteger, nullable=False, comment="of all time, and so the rank"),
        sa.Column("rank", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "daily_stats",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("board_id", sa.Text, primary_key=True),
        sa.Column("active_players", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("new_players", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("updates", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("refused", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("points_in", sa.Numeric, nullable=False, server_default=sa.text("0")),
        sa.Column("points_out", sa.Numeric, nullable=False, server_default=sa.text("0")),
    )


def _add_archives() -> None:
    op.create_table(
        "archives",
        sa.Column("board_id", sa.Text, primary_key=True),
        sa.Column("period_id", sa.Text, primary_key=True),
        sa.Column("chunk", sa.Integer, primary_key=True, comment="counts the chunks of a period from 0, by user id"),
        sa.Column("first_user_id", UUID(as_uuid=False), nullable=False, comment="of the rows in it, the least"),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False, comment="the standings, compressed"),
    )
