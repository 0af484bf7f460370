"""The tables. Alembic migrations create them; a test holds both equal.

Neither `score_events` nor `standings` has a foreign key to `users`: the worker reads the users of a batch in the
same transaction, and a key check per row would cost more than the insert. Neither has an index on a score: every
standing would then move in it at each update, and lists are read from Redis.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INT8MULTIRANGE, JSONB, UUID, ExcludeConstraint

from common.contract.constants import GREATEST_SCORE, GREATEST_SECOND

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = UUID(as_uuid=False)
_Instant = DateTime(timezone=True)


def _now(name: str) -> Column[object]:
    return Column(name, _Instant, nullable=False, server_default=func.now())


def _within_range(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} BETWEEN -{GREATEST_SCORE} AND {GREATEST_SCORE}", name=f"{column}_range")


users = Table(
    "users",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("username", Text, nullable=False),
    Column("username_key", Text, nullable=False, unique=True, comment="the name without regard to case"),
    Column("password_hash", Text, comment="null: the account has no password"),
    Column("role", Text, nullable=False),
    _now("created_at"),
    Column("suspended_at", _Instant),
    Column(
        "redis_behind",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Redis may be behind PostgreSQL in what it shows of this player",
    ),
    Column("display_name", Text, comment="shown in place of the username"),
    Column("country", Text, comment="ISO 3166-1 alpha-2"),
    Column("avatar", Integer, comment="the number of a built-in picture"),
    Column("visibility", Text, nullable=False, server_default="named", comment="named, anonymous or unlisted"),
    Column("erased_at", _Instant, comment="from then on nothing here says who it was"),
    Column("password_changed_at", _Instant),
    Column(
        "details_version",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="counts the changes of what is shown of the player beside scores",
    ),
    Column(
        "renamed_at", ARRAY(_Instant), nullable=False, server_default=text("'{}'"), comment="of the last day; at most 5"
    ),
    CheckConstraint("role IN ('player', 'admin')", name="role"),
    CheckConstraint("visibility IN ('named', 'anonymous', 'unlisted')", name="visibility"),
    CheckConstraint("avatar BETWEEN 0 AND 63", name="avatar"),
    Index(None, "redis_behind", postgresql_where=text("redis_behind")),
    Index("ix_users_suspended", "id", postgresql_where=text("suspended_at IS NOT NULL")),
)

identities = Table(
    "identities",
    metadata,
    Column("realm", Text, primary_key=True, comment="that of the API keys that may name it"),
    Column("external_id", Text, primary_key=True),
    Column("user_id", _Id, ForeignKey("users.id"), nullable=False),
    _now("created_at"),
    Index(None, "user_id"),
)

reset_codes = Table(
    "reset_codes",
    metadata,
    Column("fingerprint", LargeBinary, primary_key=True, comment="SHA-256; the code itself is not kept"),
    Column("user_id", _Id, ForeignKey("users.id"), nullable=False),
    Column("expires_at", _Instant, nullable=False),
    Column("used_at", _Instant),
    Index(None, "user_id"),
)

kept_names = Table(
    "kept_names",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="keyed, of the username of an erased account"),
    Column("until", _Instant, nullable=False, comment="from then on the name can be taken again"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("user_id", _Id, ForeignKey("users.id"), nullable=False),
    _now("created_at"),
    Column("expires_at", _Instant, nullable=False),
    Column("revoked_at", _Instant),
    Column("revoked_for", Text, comment="logout, reuse, suspension, password or erasure"),
    Index(None, "user_id"),
    Index(None, "revoked_at", postgresql_where=text("revoked_at IS NOT NULL")),
    Index(None, "expires_at"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("fingerprint", LargeBinary, primary_key=True, comment="SHA-256; the token itself is not kept"),
    Column("session_id", _Id, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("used_at", _Instant),
    Index(None, "session_id"),
)

boards = Table(
    "boards",
    metadata,
    Column("id", Text, primary_key=True),
    Column(
        "ascending",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="whether the lowest score leads; never changes",
    ),
    Column("closes_at", _Instant, comment="what is accepted from then on is refused; null: never"),
    _now("created_at"),
    Column("title", Text, nullable=False, server_default=""),
    Column("description", Text, nullable=False, server_default=""),
    Column("category", Text),
    Column("position", Integer, nullable=False, server_default=text("0"), comment="its place in lists"),
    Column("rule", Text, nullable=False, server_default="sum", comment="never changes"),
    Column(
        "second",
        JSONB(none_as_null=True),
        comment="the second score: ascending, label, format; its order never changes",
    ),
    Column(
        "periods",
        ARRAY(Text),
        nullable=False,
        server_default=text("'{all,daily,weekly,monthly}'"),
        comment="never change",
    ),
    Column("format", JSONB, nullable=False, server_default=text("""'{"kind": "integer"}'""")),
    Column("ties", Text, nullable=False, server_default="ordinal"),
    Column("visibility", Text, nullable=False, server_default="public"),
    Column("opens_at", _Instant, comment="what is accepted before is refused; null: it has always been open"),
    Column("archived_at", _Instant, comment="from then on it is on no list and takes no updates"),
    Column("revision", Integer, nullable=False, server_default=text("1"), comment="counts its changes"),
    CheckConstraint("rule IN ('sum', 'count', 'highest', 'lowest', 'latest')", name="rule"),
    CheckConstraint("rule NOT IN ('highest', 'lowest') OR ascending = (rule = 'lowest')", name="rule_and_order"),
    CheckConstraint("ties IN ('ordinal', 'shared')", name="ties"),
    CheckConstraint("visibility IN ('public', 'players', 'hidden')", name="visibility"),
    CheckConstraint(
        "periods && '{all,daily,weekly,monthly}' AND periods <@ '{all,daily,weekly,monthly,season}'", name="periods"
    ),
    CheckConstraint("id <> 'main' OR (rule = 'sum' AND second IS NULL AND archived_at IS NULL)", name="main"),
)

actions = Table(
    "actions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, primary_key=True, comment="the highest version is in force"),
    Column("points", BigInteger, nullable=False, comment="0 for an action of values"),
    Column("boards", ARRAY(Text), nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("cooldown_seconds", Integer, comment="null: none"),
    Column("daily_limit", Integer, comment="uses that count in a UTC day; null: any"),
    _now("created_at"),
    Column("lifetime_limit", Integer, comment="uses that ever count; null: any"),
    Column("kind", Text, nullable=False, server_default="points", comment="points or value"),
    Column("value_min", BigInteger),
    Column("value_max", BigInteger),
    Column("claimed_by", Text, nullable=False, server_default="both", comment="player, server, both or admin"),
    _within_range("points"),
    _within_range("value_min"),
    _within_range("value_max"),
    CheckConstraint("cooldown_seconds > 0 AND daily_limit > 0", name="rules"),
    CheckConstraint("lifetime_limit BETWEEN 1 AND 1000", name="lifetime_limit"),
    CheckConstraint(
        "kind IN ('points', 'value') AND claimed_by IN ('player', 'server', 'both', 'admin')", name="kinds"
    ),
    CheckConstraint("kind = 'points' OR (points = 0 AND claimed_by IN ('server', 'admin'))", name="values"),
    CheckConstraint("value_min <= value_max", name="value_order"),
)

catalogue_version = Table(
    "catalogue_version",
    metadata,
    Column("is_only", Boolean, primary_key=True, server_default=text("true")),
    Column("version", BigInteger, nullable=False, comment="counts the changes of boards and actions"),
    Column(
        "achievements",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="counts the changes of what counts towards achievements; no batch is recorded by another",
    ),
    CheckConstraint("is_only", name="one_row"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column(
        "generation",
        Integer,
        nullable=False,
        server_default=text("1"),
        comment="the secret is derived from the id and this",
    ),
    _now("created_at"),
    Column("previous_until", _Instant, comment="the generation before still signs until then"),
    Column("revoked_at", _Instant),
    Column("scopes", ARRAY(Text), nullable=False, server_default=text("'{submit}'")),
    Column("realm", Text, nullable=False, server_default="default", comment="whose external ids it may name"),
    Column("actions", ARRAY(Text), comment="ids, or beginnings with a `*`, that it may claim; null: all"),
)

score_event_ids = Sequence("score_event_ids", metadata=metadata, data_type=BigInteger)

score_events = Table(
    "score_events",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False, comment="from score_event_ids; breaks ties"),
    Column("user_id", _Id, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("action_id", Text, nullable=False),
    Column("action_version", Integer, comment="null if the action was not in the catalogue"),
    Column("points", BigInteger, nullable=False),
    Column("refusal", Text, comment="the error code, for an update that was refused and counts 0"),
    Column("score_after", BigInteger, nullable=False, comment="all-time score on the default board"),
    Column("occurred_at", _Instant, nullable=False, comment="by the client"),
    Column("accepted_at", _Instant, nullable=False, comment="by the inbox; decides the periods"),
    Column("recorded_at", _Instant, nullable=False, comment="by the database"),
    Column(
        "limits_others",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="it counted, and its action has rules: later uses are judged by it",
    ),
    Column("source", Text, comment="who sent it: `player`, or the id of an API key; null: a version that did not say"),
    Column("second", BigInteger, nullable=False, server_default=text("0"), comment="the second score"),
    Column("left_out", ARRAY(Text), comment="boards of its action on which it does not count; null: none"),
    UniqueConstraint("user_id", "idempotency_key"),
    Index(None, "user_id", "action_id", "accepted_at", postgresql_where=text("limits_others")),
    Index(None, "recorded_at", postgresql_using="brin"),
)

standings = Table(
    "standings",
    metadata,
    Column("board_id", Text, primary_key=True),
    Column("period_id", Text, primary_key=True),
    Column("user_id", _Id, primary_key=True),
    Column("score", BigInteger, nullable=False),
    Column("tie", BigInteger, nullable=False, comment="the ledger id that made the score"),
    Column("version", BigInteger, nullable=False, comment="guards the projection to Redis"),
    Column("updated_at", _Instant, nullable=False),
    Column(
        "hidden",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="counted, and not shown",
    ),
    Column("second", BigInteger, nullable=False, server_default=text("0"), comment="the second score"),
    Column("decided_at", _Instant, comment="when the event that decides happened, under the rule `latest`"),
    Column(
        "hidden_for",
        SmallInteger,
        nullable=False,
        server_default=text("0"),
        comment="why it is hidden, as bits (common/domain/standing.py); 0 in a hidden row: suspended",
    ),
    Column("final_rank", BigInteger, comment="in a ranked period: its place among all rows, hidden ones too, from 1"),
    Column(
        "final_hidden",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="in a ranked period: whether it was hidden when the period was ranked",
    ),
    _within_range("score"),
    CheckConstraint(f"second BETWEEN -{GREATEST_SECOND} AND {GREATEST_SECOND}", name="second_range"),
    Index(None, "user_id"),
    Index(None, "board_id", "period_id", postgresql_where=text("hidden")),
    postgresql_with={"fillfactor": "80"},
)

periods = Table(
    "periods",
    metadata,
    Column("board_id", Text, primary_key=True),
    Column("period_id", Text, primary_key=True),
    Column("starts_at", _Instant, nullable=False),
    Column("ends_at", _Instant, nullable=False),
    Column("closed_at", _Instant, comment="from then on its standings are final"),
    Column("last_event_id", BigInteger, comment="the last ledger row that could count"),
    Column(
        "snapshot_due",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="it is closed, and its final snapshot is still to be stored",
    ),
    Column(
        "revision",
        Integer,
        nullable=False,
        server_default=text("1"),
        comment="counts the amendments of its final standings",
    ),
    Column("amended_at", _Instant, comment="when its final standings were last changed by a correction"),
    Column("ranked_at", _Instant, comment="when its final ranks were stored; null: they still have to be"),
    Column("total", BigInteger, comment="the players who were shown when it was ranked"),
    Column("digest", Text, comment="of the table as it was shown when ranked, in hex"),
    Column("previous_digest", Text, comment="with which `digest` begins: that of the period before"),
    Column("archived_at", _Instant, comment="its standings are in `archives` from then on"),
    CheckConstraint("(closed_at IS NULL) = (last_event_id IS NULL)", name="closed"),
    Index(None, "ends_at", postgresql_where=text("closed_at IS NULL")),
    Index(None, "closed_at"),
    Index(None, "snapshot_due", postgresql_where=text("snapshot_due")),
    Index("ix_periods_to_rank", "ends_at", postgresql_where=text("closed_at IS NOT NULL AND ranked_at IS NULL")),
    Index("ix_periods_archived", "board_id", "period_id", postgresql_where=text("archived_at IS NOT NULL")),
)

seasons = Table(
    "seasons",
    metadata,
    Column("board_id", Text, ForeignKey("boards.id"), primary_key=True),
    Column("season_id", Text, primary_key=True, comment="without the `s-` that begins the period's id"),
    Column("title", Text, nullable=False, server_default=""),
    Column("starts_at", _Instant, nullable=False),
    Column("ends_at", _Instant, nullable=False),
    _now("created_at"),
    CheckConstraint("season_id ~ '^[a-z0-9-]{1,32}$'", name="id"),
    CheckConstraint("starts_at < ends_at", name="span"),
    ExcludeConstraint(
        (text("int8range(hashtextextended(board_id, 0), hashtextextended(board_id, 0), '[]')"), "&&"),
        (text("tstzrange(starts_at, ends_at)"), "&&"),
        name="ex_seasons_overlap",
        deferrable=True,
        initially="DEFERRED",
    ),
)

day_marks = Table(
    "day_marks",
    metadata,
    Column("user_id", _Id, primary_key=True),
    Column("board_id", Text, primary_key=True),
    Column("day", Date, primary_key=True, comment="a day of UTC on which the player was active on the board"),
    Column("at", _Instant, nullable=False, comment="the instant of score, rank and total"),
    Column("score", BigInteger, nullable=False, comment="of all time, and so the rank"),
    Column("rank", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
)

daily_stats = Table(
    "daily_stats",
    metadata,
    Column("day", Date, primary_key=True),
    Column("board_id", Text, primary_key=True),
    Column("active_players", BigInteger, nullable=False, server_default=text("0")),
    Column("new_players", BigInteger, nullable=False, server_default=text("0")),
    Column("updates", BigInteger, nullable=False, server_default=text("0")),
    Column("refused", BigInteger, nullable=False, server_default=text("0")),
    Column("points_in", Numeric, nullable=False, server_default=text("0")),
    Column("points_out", Numeric, nullable=False, server_default=text("0")),
)

counted_hours = Table(
    "counted_hours",
    metadata,
    Column("hour", _Instant, primary_key=True),
    Column(
        "counted_at", _Instant, nullable=False, comment="more than five minutes after its end: it is counted for good"
    ),
    Column("took_ms", BigInteger, nullable=False, server_default=text("0"), comment="to count it"),
    Column(
        "movers",
        JSONB,
        nullable=False,
        server_default=text("'[]'"),
        comment="who gained most on the default board: user id and points",
    ),
)

hourly_stats = Table(
    "hourly_stats",
    metadata,
    Column("hour", _Instant, primary_key=True),
    Column("action_id", Text, primary_key=True),
    Column("updates", BigInteger, nullable=False, server_default=text("0")),
    Column("refused", BigInteger, nullable=False, server_default=text("0")),
    Column("points_in", Numeric, nullable=False, server_default=text("0")),
    Column("points_out", Numeric, nullable=False, server_default=text("0")),
    Column("refusals", JSONB, nullable=False, server_default=text("'{}'"), comment="error code -> how many"),
)

hourly_boards = Table(
    "hourly_boards",
    metadata,
    Column("hour", _Instant, primary_key=True),
    Column("board_id", Text, primary_key=True),
    Column("active_players", BigInteger, nullable=False, server_default=text("0")),
    Column("new_players", BigInteger, nullable=False, server_default=text("0")),
    Column("updates", BigInteger, nullable=False, server_default=text("0")),
    Column("refused", BigInteger, nullable=False, server_default=text("0")),
    Column("points_in", Numeric, nullable=False, server_default=text("0")),
    Column("points_out", Numeric, nullable=False, server_default=text("0")),
)

archives = Table(
    "archives",
    metadata,
    Column("board_id", Text, primary_key=True),
    Column("period_id", Text, primary_key=True),
    Column("chunk", Integer, primary_key=True, comment="counts the chunks of a period from 0, by final rank"),
    Column("rows", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False, comment="the standings, compressed"),
    Column("off", Integer, nullable=False, comment="the rows in it that are hidden for ever"),
    Column("score", BigInteger, nullable=False, comment="of its first row"),
    Column("second", BigInteger, nullable=False, comment="of its first row"),
    Column("tie", BigInteger, nullable=False, comment="of its first row"),
)

archived_players = Table(
    "archived_players",
    metadata,
    Column("board_id", Text, primary_key=True),
    Column("period_id", Text, primary_key=True),
    Column("first_user_id", _Id, primary_key=True, comment="of the players in it, the least"),
    Column("rows", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False, comment="user ids, and which chunk has the row of each"),
)

ledger_checkpoint = Table(
    "ledger_checkpoint",
    metadata,
    Column("is_only", Boolean, primary_key=True, server_default=text("true")),
    Column("event_id", BigInteger, nullable=False, comment="ledger rows up to it are in ledger_totals"),
    CheckConstraint("is_only", name="one_row"),
)

ledger_totals = Table(
    "ledger_totals",
    metadata,
    Column("user_id", _Id, primary_key=True),
    Column("board_id", Text, primary_key=True),
    Column("period_id", Text, primary_key=True),
    Column("score", BigInteger, nullable=False),
    Column("tie", BigInteger, nullable=False),
    Column("updated_at", _Instant, nullable=False),
    Column("second", BigInteger, nullable=False, server_default=text("0")),
    Column("decided_at", _Instant),
    postgresql_with={"fillfactor": "80"},
)

voids = Table(
    "voids",
    metadata,
    Column(
        "event_id",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="the ledger row that counts nowhere from now on",
    ),
    _now("at"),
    Column("actor", Text, nullable=False, comment="the id of an admin or an API key, or `command line`"),
    Column("reason", Text, nullable=False),
    Column("amends", Boolean, nullable=False, comment="whether it changes periods that are closed, too"),
    Index(None, "at"),
)

kept_voids = Table(
    "kept_voids",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("board_id", Text, primary_key=True),
    Column(
        "period_id",
        Text,
        primary_key=True,
        comment="a period that was closed while the ledger row was void, and stays without it",
    ),
)

disqualifications = Table(
    "disqualifications",
    metadata,
    Column("board_id", Text, primary_key=True),
    Column("user_id", _Id, primary_key=True),
    _now("at"),
    Column("actor", Text, nullable=False, comment="the id of an admin or an API key, or `command line`"),
    Column("reason", Text, nullable=False),
    Column(
        "amends",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="whether it holds for periods that were closed before, too",
    ),
    Index(None, "user_id"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("board_id", Text, nullable=False),
    Column("period_id", Text, nullable=False),
    Column("taken_at", _Instant, nullable=False, comment="the instant it was due, so that a repeat meets itself"),
    Column("total", BigInteger, nullable=False),
    Column("entries", JSONB, nullable=False),
    Column(
        "ends_its_day",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="it is old, and the last one of its day: it stays for ever",
    ),
    UniqueConstraint("board_id", "period_id", "taken_at"),
    Index("ix_snapshots_thinned", "taken_at", postgresql_where=text("NOT ends_its_day")),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _now("at"),
    Column("actor", Text, nullable=False, comment="the id of an admin, or `command line`"),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False, comment="whom or what it was done to"),
    Column("details", JSONB, nullable=False),
)

achievements = Table(
    "achievements",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("icon", Text, nullable=False, server_default="star"),
    Column("secret", Boolean, nullable=False, server_default=text("false"), comment="nobody knows it beforehand"),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("kind", Text, nullable=False, comment="never changes, and neither does anything below but `retroactive`"),
    Column("repeats", Text, comment="the period in each of which it can be unlocked; null: once for ever"),
    Column("actions", ARRAY(Text), nullable=False, server_default=text("'{}'"), comment="whose uses count"),
    Column("goal", BigInteger, comment="the steps that it takes"),
    Column("board_id", Text, comment="of the score or the rank, or the one whose seasons are meant"),
    Column("period", Text, comment="the name of the period in which the score or the rank counts"),
    Column("reach", BigInteger, comment="the score that it takes"),
    Column("within", Integer, comment="the last final rank that it takes"),
    Column("min_players", Integer, comment="how many must have taken part"),
    Column("retroactive", Boolean, nullable=False, server_default=text("false")),
    _now("created_at"),
    Column("since_event", BigInteger, nullable=False, comment="the last ledger row before it was made"),
    Column(
        "counts",
        INT8MULTIRANGE,
        nullable=False,
        server_default=text("'{}'"),
        comment="the ledger rows whose uses count: all that were recorded while it was enabled",
    ),
    Column("fill_below", BigInteger, comment="ledger rows up to it are being counted too; null: nothing is"),
    Column("fill_after", _Id, comment="the last player for whom that is done"),
    Column("fill_period", Text, comment="of final ranks: the last period for which that is done"),
    Column("holders", BigInteger, comment="the players who have it, as of `counted_at`"),
    Column("players", BigInteger, comment="all players, as of `counted_at`"),
    Column("counted_at", _Instant),
    CheckConstraint("kind IN ('count', 'score', 'placement', 'granted')", name="kind"),
    CheckConstraint("repeats IN ('daily', 'weekly', 'monthly', 'season')", name="repeats"),
    CheckConstraint("repeats <> 'season' OR board_id IS NOT NULL", name="season"),
    CheckConstraint("goal BETWEEN 1 AND 1000000000", name="goal"),
    CheckConstraint("(goal IS NOT NULL) = (kind IN ('count', 'granted'))", name="steps"),
    CheckConstraint("(cardinality(actions) > 0) = (kind = 'count')", name="actions"),
    CheckConstraint("(fill_below IS NULL) = (fill_after IS NULL)", name="fill"),
)

achievement_steps = Table(
    "achievement_steps",
    metadata,
    Column("user_id", _Id, primary_key=True),
    Column("achievement_id", Text, primary_key=True),
    Column("scope", Text, primary_key=True, comment="empty, or the id of the period in which they count"),
    Column("steps", BigInteger, nullable=False, comment="at most the goal"),
    Column(
        "since_event",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="ledger rows up to it count no more, since the achievement was revoked after them",
    ),
    postgresql_with={"fillfactor": "80"},
)

step_totals = Table(
    "step_totals",
    metadata,
    Column("user_id", _Id, primary_key=True),
    Column("achievement_id", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("steps", BigInteger, nullable=False, comment="of ledger rows up to the checkpoint, beyond the goal too"),
    postgresql_with={"fillfactor": "80"},
)

unlocks = Table(
    "unlocks",
    metadata,
    Column("user_id", _Id, primary_key=True),
    Column("achievement_id", Text, primary_key=True),
    Column("scope", Text, primary_key=True, comment="empty, or the id of the period in which it was unlocked"),
    Column("event_id", BigInteger, comment="the ledger row that unlocked it; null: no update did"),
    Column("unlocked_at", _Instant, nullable=False),
    Index(None, "achievement_id"),
    Index(None, "event_id", postgresql_where=text("event_id IS NOT NULL")),
)

score_quarantine = Table(
    "score_quarantine",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("inbox_id", Text, nullable=False, unique=True),
    Column("reason", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    _now("created_at"),
    Column("accepted_at", _Instant, comment="by the inbox; null in rows older than this"),
    Column("entry", JSONB, comment="the inbox entry's fields as they stood; null in rows older than this"),
)
