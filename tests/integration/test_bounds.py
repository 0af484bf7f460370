"""What grows with players, sessions, periods or ledger rows is done some at a time (docs/scaling.md)."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis.client import Pipeline
from sqlalchemy import Connection, event, text

from common.contract.errors import ErrorCode, ScoreboardError
from common.core import metrics
from common.core.settings import Settings
from common.domain import pagination
from common.domain.pagination import FIRST, Position
from common.domain.shown import Gate
from common.domain.stand_ins import StandIns
from common.postgres import engine as database
from common.postgres import ledger, sessions, standings
from common.postgres import snapshots as stored_snapshots
from common.redis_store import client as redis_client
from common.redis_store import keys
from common.redis_store.board import Board
from common.services import revocations, showing, suspensions
from common.services.leaderboard import Leaderboard
from common.services.revocations import SESSIONS_AT_ONCE, Revocations
from common.services.showing import BOARDS_AT_ONCE
from common.services.suspensions import COMMAND_LINE, Decision
from dev.harness.many import add_many, id_of
from tests.command_line import CommandLine
from tests.inbox import add_users
from web.intake.replies import Replies
from web.live.heartbeats import Heartbeats
from workers import maintenance, pruning, snapshots
from workers.state import WorkerState

LIMIT = 10
PLAYERS = 10_000
MANY = 2_500

_SESSIONS = text("""
INSERT INTO sessions (id, user_id, created_at, expires_at, revoked_at, revoked_for)
SELECT md5('session' || n)::uuid, :user, :expires_at, :expires_at, :revoked_at, :revoked_for
FROM generate_series(1, :count) n
""")
_SNAPSHOTS = text("""
INSERT INTO snapshots (board_id, period_id, taken_at, total, entries)
SELECT 'main', 'all', '2020-01-01T00:00:00Z'::timestamptz + n * interval '1 minute', 0, '[]'
FROM generate_series(1, :count) n
""")
_STANDINGS = text("""
INSERT INTO standings (board_id, period_id, user_id, score, tie, version, updated_at)
SELECT 'main', to_char('2020-01-01'::date + n, 'YYYY-MM-DD'), :user, 1, n, 1, now() FROM generate_series(1, :count) n
""")
_LEDGER = text("""
INSERT INTO score_events (id, user_id, idempotency_key, action_id, action_version, points, score_after, occurred_at,
                          accepted_at, recorded_at)
SELECT 1000000 + n, md5('many' || n)::uuid, 'more', 'share', 1, 1, 1, now(), now(), now()
FROM generate_series(1, :count) n
""")
_QUARANTINED = text("""
INSERT INTO score_quarantine (inbox_id, reason, payload, accepted_at, entry)
SELECT n || '-0', 'cannot be read', '{}', now(), '{"a": "b"}' FROM generate_series(1, :count) n
""")


@pytest.fixture
def rows_of(worker: WorkerState) -> Callable[[str], list[int]]:
    """How many rows each statement read or changed whose text begins with the given words."""
    seen: list[tuple[str, int]] = []

    def note(_connection: Connection, cursor: Any, statement: str, *_: object) -> None:  # noqa: ANN401 - the driver's
        seen.append((" ".join(statement.split()), cursor.rowcount))

    event.listen(worker.engine, "after_cursor_execute", note)
    return lambda words: [rows for statement, rows in seen if statement.startswith(words)]


@pytest.fixture
def pipelines(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many commands each pipeline sent."""
    sizes: list[int] = []
    execute = Pipeline.execute

    def noted(pipeline: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's
        sizes.append(len(pipeline.command_stack))
        return execute(pipeline, *arguments, **options)

    monkeypatch.setattr(Pipeline, "execute", noted)
    return sizes


@pytest.fixture
def many(worker: WorkerState) -> WorkerState:
    add_many(worker.engine, PLAYERS)
    return worker


def add_sessions(worker: WorkerState, expires_at: datetime, revoked_at: datetime | None = None) -> None:
    (user,) = add_users(worker.engine, 1)
    values = {"user": user, "expires_at": expires_at, "revoked_at": revoked_at, "count": MANY}
    with worker.engine.begin() as connection:
        connection.execute(_SESSIONS, {**values, "revoked_for": "logout" if revoked_at else None})


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def plan_of(connection: Connection, statement: str, values: Mapping[str, object], *, run: bool = False) -> list[Any]:
    """Every node of the plan of a statement."""
    how = "ANALYZE, FORMAT JSON" if run else "FORMAT JSON"
    ((found,),) = connection.execute(text(f"EXPLAIN ({how}) {statement}"), values).all()
    return list(nodes(found[0]["Plan"]))


def test_sessions_that_have_expired_are_deleted_some_at_a_time(
    worker: WorkerState, rows_of: Callable[[str], list[int]]
) -> None:
    now = datetime.now(UTC)
    add_sessions(worker, now - timedelta(days=2))
    (user,) = add_users(worker.engine, 1)
    with worker.engine.begin() as connection:
        sessions.begin(connection, user, now)
    maintenance.prune(worker)
    assert max(rows_of("DELETE FROM sessions")) == pruning.ROWS_AT_ONCE
    assert sum(rows_of("DELETE FROM sessions")) == MANY
    with worker.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM sessions")) == 1


def test_snapshots_past_their_age_are_thinned_some_at_a_time(
    worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    with worker.engine.begin() as connection:
        connection.execute(_SNAPSHOTS, {"count": MANY})
    left = []
    thin = stored_snapshots.thin

    def noted(connection: Connection, before: datetime, limit: int) -> stored_snapshots.Thinned:
        thinned = thin(connection, before, limit)
        left.append(thinned)
        return thinned

    monkeypatch.setattr(stored_snapshots, "thin", noted)
    snapshots.take_all(worker)
    assert max(thinned.looked_at for thinned in left) == pruning.ROWS_AT_ONCE
    assert sum(thinned.looked_at for thinned in left) == MANY
    assert sum(thinned.deleted for thinned in left) == MANY - 2  # they are of two days


def test_what_was_thinned_is_not_looked_at_again(worker: WorkerState) -> None:
    with worker.engine.begin() as connection:
        connection.execute(_SNAPSHOTS, {"count": MANY})
    snapshots.take_all(worker)
    with worker.engine.begin() as connection:
        assert stored_snapshots.thin(connection, datetime.now(UTC), MANY) == (0, 0)
        taken = connection.scalars(text("SELECT taken_at FROM snapshots ORDER BY taken_at")).all()
    assert taken == [datetime(2020, 1, 1, 23, 59, tzinfo=UTC), datetime(2020, 1, 2, 17, 40, tzinfo=UTC)]


@pytest.mark.parametrize("teach", [revocations.load_recent, revocations.catch_up])
def test_revocations_are_loaded_some_at_a_time_also_those_of_one_instant(
    worker: WorkerState, rows_of: Callable[[str], list[int]], pipelines: list[int], teach: Callable[..., None]
) -> None:
    now = datetime.now(UTC)
    add_sessions(worker, now + timedelta(hours=1), now - timedelta(minutes=3))
    worker.redis.flushdb()
    teach(worker.redis, worker.engine)
    assert len(worker.redis.keys(keys.session_revoked("*"))) == MANY
    assert rows_of("SELECT sessions.revoked_at") == [SESSIONS_AT_ONCE, SESSIONS_AT_ONCE, MANY - 2 * SESSIONS_AT_ONCE]
    assert max(pipelines) == SESSIONS_AT_ONCE


def test_of_a_user_with_many_sessions_some_are_told_at_a_time(worker: WorkerState, pipelines: list[int]) -> None:
    ids = [id_of(number) for number in range(MANY)]
    of_worker = Revocations(worker.redis, worker.engine)
    of_worker.announce(*ids)
    of_worker.confirm(*ids)
    assert set(worker.redis.mget([keys.session_revoked(session_id) for session_id in ids])) == {"1"}
    assert max(pipelines) == 2 * SESSIONS_AT_ONCE


def test_a_user_who_has_played_for_years_leaves_some_boards_at_a_time(
    worker: WorkerState, pipelines: list[int]
) -> None:
    (user,) = add_users(worker.engine, 1)
    with worker.engine.begin() as connection:
        connection.execute(_STANDINGS, {"user": user, "count": 600})
        assert suspensions.decide(connection, Decision(user, True, COMMAND_LINE, ""))
    oldest, newest = "2020-01-02", "2021-08-23"
    assert all(worker.rebuilder.rebuild("main", period) for period in (oldest, newest))
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE standings SET hidden = false, version = version + 1"))
    pipelines.clear()
    showing.show(worker.engine, worker.board, worker.inbox, user)
    assert max(pipelines) == BOARDS_AT_ONCE
    assert [worker.board.page("main", period, 1, FIRST).rows.total for period in (oldest, newest)] == [1, 1]


@pytest.mark.parametrize(("at_once", "seconds", "left"), [(3, 60.0, 5), (200, 0.0, 8), (200, 60.0, 0)])
def test_a_sweep_spends_a_second_on_suspensions_and_leaves_the_rest_to_the_next(
    worker: WorkerState, monkeypatch: pytest.MonkeyPatch, at_once: int, seconds: float, left: int
) -> None:
    for user in add_users(worker.engine, 8):
        with worker.engine.begin() as connection:
            assert suspensions.decide(connection, Decision(user, True, COMMAND_LINE, ""))
    monkeypatch.setattr(maintenance, "SYNCS_AT_ONCE", at_once)
    monkeypatch.setattr(maintenance, "SYNC_SECONDS", seconds)
    maintenance.show_changes(worker)
    with worker.engine.connect() as connection:
        assert len(showing.pending(connection, 100)) == left


@pytest.mark.parametrize(
    "which",
    [FIRST, pagination.after(Position(1, 5_000)), pagination.before(Position(1, 5_000)), pagination.around(id_of(77))],
    ids=lambda which: which.kind,
)
def test_a_page_in_postgresql_neither_sorts_nor_numbers_a_board(many: WorkerState, which: pagination.Selection) -> None:
    values = {"board": "main", "period": "all", "limit": LIMIT, "total": PLAYERS, "user": which.user_id or None}
    with many.engine.connect() as connection:
        statement = standings._PAGES[which.kind].text
        plan = plan_of(connection, statement, {**values, **which.position._asdict()}, run=True)
    kept = [node for node in plan if node["Node Type"] in ("Sort", "WindowAgg", "CTE Scan", "Materialize", "Hash")]
    assert kept
    assert max(node["Actual Rows"] for node in kept) <= 2 * LIMIT
    assert {node["Sort Space Type"] for node in kept if node["Node Type"] == "Sort"} == {"Memory"}


def test_a_place_in_postgresql_is_counted_and_not_numbered(many: WorkerState) -> None:
    values = {"board": "main", "period": "all", "user": id_of(77)}
    with many.engine.connect() as connection:
        plan = plan_of(connection, standings._PLACE.text, values, run=True)
    kept = [node for node in plan if node["Node Type"] in ("Sort", "WindowAgg", "CTE Scan", "Materialize", "Hash")]
    assert max(node["Actual Rows"] for node in kept) == 1


def test_a_board_that_postgresql_does_not_read_in_time_is_told_to_be_rebuilding(
    worker: WorkerState, settings: Settings
) -> None:
    (user,) = add_users(worker.engine, 1)
    worker.redis.flushdb()
    impatient = database.create(settings, pool_size=1, statement_timeout_ms=50)
    leaderboard = Leaderboard(Board(worker.redis), impatient, Gate(StandIns([b"-" * 32])))
    with worker.engine.begin() as connection:
        connection.execute(text("LOCK TABLE standings IN ACCESS EXCLUSIVE MODE"))
        for read in (lambda: leaderboard.top("main", "all", 10), lambda: leaderboard.place("main", "all", user)):
            with pytest.raises(ScoreboardError) as refused:
                read()
            assert (refused.value.code, refused.value.retry_after) == (ErrorCode.REBUILDING, 1)
    impatient.dispose()
    assert leaderboard.top("main", "all", 10).total == 0


def test_the_ledger_is_looked_up_by_its_indexes(many: WorkerState) -> None:
    """However long it is: no statement of the scoring path reads it from one end to the other."""
    update = json.dumps([{"u": id_of(5), "k": "seeded"}])
    window = json.dumps([{"u": id_of(5), "a": "share", "since": "2020-01-01", "until": "2020-01-02"}])
    with many.engine.connect() as connection:
        connection.execute(_LEDGER, {"count": 60_000})
        connection.execute(text("ANALYZE score_events"))
        plans = plan_of(connection, ledger._FIND.text, {"keys": update})
        plans += plan_of(connection, ledger._USES.text, {"wanted": window})
        plans += plan_of(connection, "SELECT max(id) FROM score_events", {})
    on_ledger = [node["Node Type"] for node in plans if node.get("Relation Name") == "score_events"]
    assert len(on_ledger) == 3
    assert all("Index" in node or "Bitmap" in node for node in on_ledger), on_ledger


@pytest.mark.parametrize("job", ["check", "recount"])
def test_a_slice_of_players_is_verified_by_indexes_although_the_totals_have_no_statistics(
    many: WorkerState, job: str
) -> None:
    """As they have none when they were just added up: each slice would read all of them."""
    followed = many.verifier.checkpoint
    followed.advance(followed.find_stable_id(), PLAYERS, 30_000)
    plans: list[str] = []

    def explain(_connection: Connection, cursor: Any, statement: str, parameters: Any, *_: object) -> None:  # noqa: ANN401
        if "ledger_totals" in statement:
            with cursor.connection.cursor() as other:
                other.execute(f"EXPLAIN {statement}", parameters)
                plans.append("\n".join(line for (line,) in other.fetchall()))

    event.listen(many.engine, "before_cursor_execute", explain)
    getattr(many.verifier, job)([id_of(number) for number in range(1, 100)])
    assert plans
    for plan in plans:
        assert "pk_ledger_totals" in plan
        assert "Seq Scan on ledger_totals" not in plan
        assert "Seq Scan on standings" not in plan


def test_many_accounts_are_listed_page_by_page(many: WorkerState, command_line: CommandLine) -> None:
    (late,) = add_users(many.engine, 1)
    listed = json.loads(command_line("users", "list", "--json").stdout)
    assert len({user["userId"] for user in listed}) == len(listed) == PLAYERS + 1
    assert listed[-1]["userId"] == late
    table = command_line("users", "list").stdout
    assert table.count(" user id ") == (PLAYERS + 1) // 1_000 + 1
    assert table.count(" player ") == PLAYERS + 1


def test_a_large_quarantine_is_listed_and_tried_again_page_by_page(
    worker: WorkerState, command_line: CommandLine
) -> None:
    with worker.engine.begin() as connection:
        connection.execute(_QUARANTINED, {"count": MANY // 2})
    listed = json.loads(command_line("quarantine", "list", "--json").stdout)
    assert [entry["id"] for entry in listed] == sorted(entry["id"] for entry in listed)
    assert len(listed) == MANY // 2
    done = command_line("quarantine", "retry", "--all")
    assert (done.returncode, done.stdout.count("back in the inbox")) == (0, MANY // 2), done.stderr
    assert worker.inbox.depth() == MANY // 2
    assert json.loads(command_line("quarantine", "list", "--json").stdout) == []


def test_a_retry_does_not_fill_the_inbox_beyond_its_bound(worker: WorkerState, command_line: CommandLine) -> None:
    with worker.engine.begin() as connection:
        connection.execute(_QUARANTINED, {"count": 3})
    done = command_line("quarantine", "retry", "--all", SCOREBOARD_INBOX_MAX="2")
    assert done.returncode == 1
    assert "the inbox is full" in done.stderr
    assert worker.inbox.depth() == 2
    assert len(json.loads(command_line("quarantine", "list", "--json").stdout)) == 1


def test_nobody_makes_a_series_of_metrics_of_their_own(client: FlaskClient) -> None:
    before = set(metrics.RESPONSE_SECONDS._metrics)
    for number in range(20):
        client.open(f"/nowhere/{number}", method=f"ODD{number}")
        client.get(f"/api/scores/user/{id_of(number)}")
    routes = {(route, method) for route, method, _ in set(metrics.RESPONSE_SECONDS._metrics) - before}
    assert routes <= {("none", "other"), ("/api/scores/user/<user_id>", "GET")}


def test_a_request_that_waits_no_more_is_forgotten(settings: Settings) -> None:
    replies = Replies(redis_client.connect_to_listen(settings.redis_url), "a process", Heartbeats())
    for number in range(20):
        with replies.expect(id_of(number), "key"):
            assert len(replies._waiters) == 1
    assert not replies._waiters
    replies.close()
