"""The end of a period: closed once, when nothing of it is pending, final from then on, and still readable."""

import threading
import time
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import OperationalError

from common.core.settings import Settings
from common.domain import periods
from common.postgres import ledger, period_closing, snapshots
from common.redis_store import keys
from common.redis_store.keys import BoardKeys
from tests.inbox import accept_at, add_users, drain_completely
from tests.player import error_code
from workers import closing, maintenance
from workers.state import WorkerState

MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
SECOND = timedelta(seconds=1)
YESTERDAY = ("main", "2026-11-23")


@pytest.fixture
def player(engine: Engine) -> str:
    return add_users(engine, 1)[0]


def score(client: FlaskClient, period: str) -> int:
    entries = client.get("/api/scores/leaderboard", query_string={"period": period}).get_json()["entries"]
    return sum(entry["score"] for entry in entries)


def closed_at(worker: WorkerState, now: datetime) -> list[tuple[str, str]]:
    return [period[:2] for period in closing.close_ended(worker, now)]


def test_a_period_is_closed_after_its_end_and_not_before(worker: WorkerState, player: str) -> None:
    accept_at(worker, player, MIDNIGHT - SECOND)
    drain_completely(worker)
    assert closed_at(worker, MIDNIGHT - SECOND) == []
    assert closed_at(worker, MIDNIGHT) == [YESTERDAY]


def test_it_is_closed_only_once_nothing_accepted_before_its_end_is_pending(worker: WorkerState, player: str) -> None:
    accept_at(worker, player, MIDNIGHT - 2 * SECOND)
    drain_completely(worker)
    accept_at(worker, player, MIDNIGHT - SECOND)
    assert closed_at(worker, MIDNIGHT + SECOND) == []
    drain_completely(worker)
    accept_at(worker, player, MIDNIGHT)
    assert closed_at(worker, MIDNIGHT + SECOND) == [YESTERDAY]


def test_an_update_that_waits_for_long_keeps_its_own_periods_open_and_no_later_ones(
    worker: WorkerState, player: str
) -> None:
    accept_at(worker, player, MIDNIGHT - SECOND)
    accept_at(worker, player, MIDNIGHT)
    drain_completely(worker)
    accept_at(worker, player, MIDNIGHT - 2 * SECOND)  # held, let us say
    two_days_later = MIDNIGHT + timedelta(days=2)
    assert closed_at(worker, two_days_later) == [("main", "2026-11-24")]
    drain_completely(worker)
    assert closed_at(worker, two_days_later) == [YESTERDAY]


def test_behind_a_long_queue_the_oldest_entry_keeps_every_period_open(
    worker: WorkerState, player: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "LOOKED_AT", 2)
    accept_at(worker, player, MIDNIGHT)
    drain_completely(worker)
    for instant in (MIDNIGHT - SECOND, MIDNIGHT + SECOND):
        accept_at(worker, player, instant)
    assert closed_at(worker, MIDNIGHT + timedelta(days=2)) == []
    drain_completely(worker)
    assert closed_at(worker, MIDNIGHT + timedelta(days=2)) == [YESTERDAY, ("main", "2026-11-24")]


def test_after_an_hour_away_across_midnight_everything_stands_where_it_belongs(
    client: FlaskClient, worker: WorkerState, player: str
) -> None:
    accept_at(worker, player, MIDNIGHT - timedelta(minutes=10))
    accept_at(worker, player, MIDNIGHT + timedelta(minutes=40), "share")
    an_hour_later = MIDNIGHT + timedelta(minutes=50)
    assert closed_at(worker, an_hour_later) == []
    drain_completely(worker)
    assert closed_at(worker, an_hour_later) == [YESTERDAY]
    assert [score(client, day) for day in ("2026-11-23", "2026-11-24", "2026-W48", "all")] == [25, 1, 26, 26]


def test_a_closed_period_never_changes_again_and_the_other_boards_still_count(
    client: FlaskClient, worker: WorkerState, player: str
) -> None:
    accept_at(worker, player, MIDNIGHT - SECOND)
    drain_completely(worker)
    closing.close_ended(worker, MIDNIGHT)
    accept_at(worker, player, MIDNIGHT - SECOND, "win-tournament")
    drain_completely(worker)
    assert [score(client, period) for period in ("2026-11-23", "2026-W48", "all")] == [25, 125, 125]
    worker.redis.flushdb()
    assert score(client, "2026-11-23") == 25


def test_a_late_update_finds_its_period_open_until_it_is_closed(
    client: FlaskClient, worker: WorkerState, player: str
) -> None:
    accept_at(worker, player, MIDNIGHT - timedelta(days=3) - SECOND)
    drain_completely(worker)
    assert score(client, "2026-11-20") == 25
    assert closed_at(worker, MIDNIGHT) == [("main", "2026-11-20"), ("main", "2026-W47")]


def test_workers_that_close_at_once_close_once(worker: WorkerState, settings: Settings, player: str) -> None:
    accept_at(worker, player, MIDNIGHT - SECOND)
    drain_completely(worker)
    others = [WorkerState.create(settings) for _ in range(4)]
    closed: list[tuple[str, str]] = []

    def close(state: WorkerState) -> None:
        closed.extend(closed_at(state, MIDNIGHT))

    threads = [threading.Thread(target=close, args=[other]) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        other.close()
    assert closed == [YESTERDAY]
    with worker.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM snapshots")).scalar_one() == 1


@pytest.mark.parametrize(
    ("end", "closed"),
    [
        ("2026-11-30", {"2026-11-29", "2026-W48"}),
        ("2026-12-01", {"2026-11-30", "2026-11"}),
        ("2027-01-01", {"2026-12-31", "2026-12"}),
        ("2027-01-04", {"2027-01-03", "2026-W53"}),
        ("2024-03-01", {"2024-02-29", "2024-02"}),
    ],
)
def test_days_iso_weeks_and_months_end_each_at_their_own_time(
    worker: WorkerState, player: str, end: str, closed: set[str]
) -> None:
    midnight = datetime.fromisoformat(end).replace(tzinfo=UTC)
    accept_at(worker, player, midnight - SECOND)
    drain_completely(worker)
    assert {period for _, period in closed_at(worker, midnight)} == closed


def test_the_last_snapshot_shows_the_final_head(client: FlaskClient, worker: WorkerState, player: str) -> None:
    accept_at(worker, player, MIDNIGHT - SECOND)
    drain_completely(worker)
    closing.close_ended(worker, MIDNIGHT + timedelta(minutes=3))
    (listed,) = client.get("/api/scores/snapshots?period=2026-11-23").get_json()["snapshots"]
    assert listed["takenAt"] == "2026-11-24T00:00:00.000Z"
    stored = client.get(f"/api/scores/snapshots/{listed['id']}").get_json()
    assert [(entry["userId"], entry["score"]) for entry in stored["entries"]] == [(player, 25)]


def final_snapshots(worker: WorkerState) -> int:
    with worker.engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM snapshots")).scalar_one())


def test_a_death_after_the_closing_leaves_the_final_snapshot_to_the_next_turn(
    worker: WorkerState, player: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept_at(worker, player, MIDNIGHT - SECOND)
    drain_completely(worker)
    with monkeypatch.context() as dying:
        dying.setattr(snapshots, "read", failing)
        with pytest.raises(OperationalError):
            closing.close_ended(worker, MIDNIGHT)
    assert final_snapshots(worker) == 0
    assert closed_at(worker, MIDNIGHT) == [], "it is closed already"
    assert final_snapshots(worker) == 1
    closing.close_ended(worker, MIDNIGHT)
    assert final_snapshots(worker) == 1


def failing(*_: object) -> snapshots.Head:
    raise OperationalError("", None, Exception("away"))


def test_the_ledger_is_held_for_one_row_however_many_players_there_are(worker: WorkerState, player: str) -> None:
    """What is said to PostgreSQL between the lock and the commit."""
    accept_at(worker, player, MIDNIGHT - SECOND)
    drain_completely(worker)
    with worker.engine.begin() as connection:
        connection.execute(_CROWD)
    said: list[tuple[str, float]] = []
    held: list[list[tuple[str, float]]] = []

    def listen(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        said.append((statement, time.monotonic()))

    def commit(connection: Connection) -> None:
        holds = [at for at, (statement, _) in enumerate(said) if "pg_advisory_xact_lock(" in statement]
        if holds:
            held.append([*said[holds[-1] :], ("COMMIT", time.monotonic())])
        said.clear()

    event.listen(worker.engine, "before_cursor_execute", listen)
    event.listen(worker.engine, "commit", commit)
    event.listen(worker.engine, "rollback", lambda connection: said.clear())
    assert closed_at(worker, MIDNIGHT) == [YESTERDAY]

    (section,) = held
    assert [statement.split()[0] for statement, _ in section] == ["SELECT", "UPDATE", "COMMIT"]
    assert "standings" not in " ".join(statement for statement, _ in section)
    assert section[-1][1] - section[0][1] < 0.5
    assert final_snapshots(worker) == 1
    with worker.engine.connect() as connection:
        total = connection.execute(text("SELECT total FROM snapshots")).scalar_one()
    assert total == 10_001


_CROWD = text("""
INSERT INTO standings (board_id, period_id, user_id, score, tie, version, updated_at)
SELECT 'main', '2026-11-23', gen_random_uuid(), n, n, 1, now() FROM generate_series(1, 10000) n
""")


def test_a_board_on_which_nobody_scores_is_forgotten_too(worker: WorkerState) -> None:
    """Nothing closes it: what tidies says in advance when Redis is to forget it."""
    closing.release_old(worker, datetime.now(UTC))
    for period in periods.open_at(datetime.now(UTC)):
        expires = worker.redis.expiretime(BoardKeys("main", period.id).meta)
        assert expires == ((period.ends_at + period_closing.KEPT_IN_REDIS).timestamp() if period.ends_at else -1)


def test_viewers_are_told_when_a_period_is_closed(worker: WorkerState, player: str) -> None:
    accept_at(worker, player, MIDNIGHT - SECOND)
    drain_completely(worker)
    with worker.redis.pubsub() as subscription:  # type: ignore[no-untyped-call]  # redis-py
        subscription.subscribe(keys.UPDATES_CHANNEL)
        assert subscription.get_message(timeout=30)["type"] == "subscribe"
        closing.close_ended(worker, MIDNIGHT)
        told = orjson.loads(subscription.get_message(timeout=30)["data"])
    assert told == {"boards": [{"board": "main", "period": "2026-11-23"}], "players": [], "rollover": True}


def test_a_batch_that_hangs_delays_the_closing_and_nobody_else(worker: WorkerState, player: str) -> None:
    accept_at(worker, player, MIDNIGHT - SECOND)
    drain_completely(worker)
    with worker.engine.begin() as hanging:
        ledger.lock_shared(hanging)
        with pytest.raises(OperationalError, match="lock timeout"):
            closing.close_ended(worker, MIDNIGHT)
    assert closed_at(worker, MIDNIGHT) == [YESTERDAY]


def test_the_sweep_closes_by_the_clock_that_stamps_acceptances(
    worker: WorkerState, player: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    instant = datetime.now(UTC) - timedelta(days=40)
    accept_at(worker, player, instant)
    drain_completely(worker)
    monkeypatch.setattr(worker.inbox, "now", lambda: instant)
    assert closing.close_ended(worker) == []
    monkeypatch.undo()
    assert abs(worker.inbox.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert len(closing.close_ended(worker)) == 3


def test_redis_forgets_a_closed_period_after_a_while_and_postgresql_does_not(
    client: FlaskClient, worker: WorkerState, player: str
) -> None:
    accept_at(worker, player, MIDNIGHT - SECOND)
    drain_completely(worker)
    closing.close_ended(worker, MIDNIGHT)
    of = BoardKeys(*YESTERDAY)
    with worker.engine.connect() as connection:
        assert [period[:2] for period in period_closing.closed_since(connection, MIDNIGHT)] == [YESTERDAY]
    closing.release_old(worker, MIDNIGHT)
    assert worker.redis.expiretime(of.scores) == (MIDNIGHT + period_closing.KEPT_IN_REDIS).timestamp()
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE periods SET ends_at = ends_at - interval '9 years'"))
    maintenance.prune(worker)
    closing.release_old(worker, MIDNIGHT)
    assert worker.redis.exists(of.scores, of.members, of.meta) == 0
    assert score(client, "2026-11-23") == 25


def test_after_midnight_names_mean_the_new_period_and_the_old_one_is_read_by_id(
    client: FlaskClient, worker: WorkerState, player: str
) -> None:
    accept_at(worker, player, MIDNIGHT - SECOND)
    drain_completely(worker)
    query = {"period": "daily", "limit": 1}
    with time_machine.travel(MIDNIGHT - SECOND, tick=False):
        before = client.get("/api/scores/leaderboard", query_string=query).get_json()
    assert (before["period"], before["periodEndsAt"]) == ("2026-11-23", "2026-11-24T00:00:00.000Z")
    with time_machine.travel(MIDNIGHT, tick=False):
        after = client.get("/api/scores/leaderboard", query_string=query).get_json()
        past = client.get("/api/scores/leaderboard?period=2026-11-23").get_json()
    assert (after["period"], after["total"]) == ("2026-11-24", 0)
    assert past["entries"] == before["entries"]


def test_a_cursor_of_yesterday_is_refused_today(client: FlaskClient, worker: WorkerState, player: str) -> None:
    (second_player,) = add_users(worker.engine, 1)
    for user_id in (player, second_player):
        accept_at(worker, user_id, MIDNIGHT - SECOND)
    drain_completely(worker)
    with time_machine.travel(MIDNIGHT - SECOND, tick=False):
        cursor = client.get("/api/scores/leaderboard?period=daily&limit=1").get_json()["nextCursor"]
        query = {"period": "daily", "limit": 1, "cursor": cursor}
        assert client.get("/api/scores/leaderboard", query_string=query).status_code == 200
    with time_machine.travel(MIDNIGHT, tick=False):
        assert error_code(client.get("/api/scores/leaderboard", query_string=query)) == "invalid_cursor"
