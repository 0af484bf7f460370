"""the first schema"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_accounts()
    _create_catalogue()
    _create_scores()
    _create_snapshots()


def _create_catalogue() -> None:
    op.create_table(
        "actions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="the highest version is in force"),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("boards", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "points BETWEEN -9007199254740991 AND 9007199254740991", name=op.f("ck_actions_points_range")
        ),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_actions")),
    )
    op.create_table(
        "boards",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boards")),
    )


def _create_scores() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("score_event_ids", data_type=sa.BigInteger)))
    op.create_table(
        "score_events",
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="from score_event_ids; breaks ties"
        ),
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("action_id", sa.Text(), nullable=False),
        sa.Column("action_version", sa.Integer(), nullable=True, comment="null if the action was not in the catalogue"),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column(
            "refusal", sa.Text(), nullable=True, comment="the error code, for an update that was refused and counts 0"
        ),
        sa.Column("score_after", sa.BigInteger(), nullable=False, comment="all-time score on the default board"),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False, comment="by the client"),
        sa.Column(
            "accepted_at", sa.DateTime(timezone=True), nullable=False, comment="by the inbox; decides the periods"
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="by the database"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_events")),
        sa.UniqueConstraint("user_id", "idempotency_key", name=op.f("uq_score_events_user_id_idempotency_key")),
    )
    op.create_table(
        "score_quarantine",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("inbox_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_quarantine")),
        sa.UniqueConstraint("inbox_id", name=op.f("uq_score_quarantine_inbox_id")),
    )
    op.create_table(
        "standings",
        sa.Column("board_id", sa.Text(), nullable=False),
        sa.Column("period_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=False),
        sa.Column("tie", sa.BigInteger(), nullable=False, comment="the ledger id that made the score"),
        sa.Column("version", sa.BigInteger(), nullable=False, comment="guards the projection to Redis"),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "score BETWEEN -9007199254740991 AND 9007199254740991", name=op.f("ck_standings_score_range")
        ),
        sa.PrimaryKeyConstraint("board_id", "period_id", "user_id", name=op.f("pk_standings")),
        postgresql_with={"fillfactor": "80"},
    )


def _create_snapshots() -> None:
    op.create_table(
        "snapshots",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("board_id", sa.Text(), nullable=False),
        sa.Column("period_id", sa.Text(), nullable=False),
        sa.Column(
            "taken_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="the instant it was due, so that a repeat meets itself",
        ),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("entries", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshots")),
        sa.UniqueConstraint("board_id", "period_id", "taken_at", name=op.f("uq_snapshots_board_id_period_id_taken_at")),
    )
    op.create_index(op.f("ix_snapshots_taken_at"), "snapshots", ["taken_at"], unique=False)


def _create_accounts() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("username_key", sa.Text(), nullable=False, comment="the name without regard to case"),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role IN ('player', 'admin')", name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("username_key", name=op.f("uq_users_username_key")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_for", sa.Text(), nullable=True, comment="logout or reuse"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_index(
        op.f("ix_sessions_revoked_at"),
        "sessions",
        ["revoked_at"],
        unique=False,
        postgresql_where=sa.text("revoked_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "refresh_tokens",
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False, comment="SHA-256; the token itself is not kept"),
        sa.Column("session_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_refresh_tokens_session_id_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(op.f("ix_refresh_tokens_session_id"), "refresh_tokens", ["session_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_refresh_tokens_session_id"), table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index(op.f("ix_sessions_user_id"), table_name="sessions")
    op.drop_index(
        op.f("ix_sessions_revoked_at"), table_name="sessions", postgresql_where=sa.text("revoked_at IS NOT NULL")
    )
    op.drop_index(op.f("ix_sessions_expires_at"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_table("users")
    op.drop_table("standings")
    op.drop_index(op.f("ix_snapshots_taken_at"), table_name="snapshots")
    op.drop_table("snapshots")
    op.drop_table("score_quarantine")
    op.drop_table("score_events")
    op.execute(sa.schema.DropSequence(sa.Sequence("score_event_ids")))
    op.drop_table("boards")
    op.drop_table("actions")
