"""No failure of the service is booked on an update: it is held back, shown, and applied once when that is over."""

import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from common.core import metrics
from common.core.settings import Settings
from common.domain.inbox_entries import Delivery, Reply
from common.domain.standing import BoardId, Moved
from common.postgres import engine as database
from common.postgres import migrate, schema, tables
from common.redis_store import held, keys
from dev.harness.servers import Servers
from dev.harness.stack import ROOT, free_port
from dev.harness.waiting import wait_until
from tests.conftest import SettingsFactory
from tests.inbox import accept, add_users, board_of, drain_completely
from tests.unfit_schema import renamed_column
from workers import batches, maintenance
from workers.batches import QUARANTINE_AFTER
from workers.held_updates import Backoff
from workers.recording import Recorded
from workers.state import WorkerState


def quarantined(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM score_quarantine")).scalar_one())


def reason_shown(worker: WorkerState) -> str:
    return held.reason(worker.redis) or ""


def deliveries(worker: WorkerState) -> list[int]:
    pending = worker.redis.xpending_range(keys.INBOX, keys.INBOX_GROUP, min="-", max="+", count=100)
    return [int(entry["times_delivered"]) for entry in pending]


def status(worker: WorkerState, user_id: str, key: str) -> str:
    receipt = worker.inbox.receipt(user_id, key)
    assert receipt
    return receipt["status"]


@pytest.fixture
def impatient(worker: WorkerState, monkeypatch: pytest.MonkeyPatch) -> WorkerState:
    """A worker that makes no pauses between attempts."""
    monkeypatch.setattr("workers.held_updates.LONGEST_PAUSE_SECONDS", 0.0)
    return worker


def test_while_a_column_has_another_name_updates_wait_and_then_all_of_them_are_applied(
    impatient: WorkerState, engine: Engine
) -> None:
    players = add_users(engine, 10)
    with capture_logs() as logs, renamed_column(engine):
        sent = [(player, accept(impatient, player)) for player in players[:5]]
        for _ in range(2 * QUARANTINE_AFTER):
            assert not impatient.drain.run()
        for player in players[5:]:
            sent.append((player, accept(impatient, player)))
            impatient.drain.run()
        assert quarantined(engine) == 0
        assert {status(impatient, *update) for update in sent} == {"accepted"}
        assert max(deliveries(impatient)) <= 1
        assert 'column "score"' in reason_shown(impatient)
    (told,) = [entry for entry in logs if entry["event"] == "updates_held"]
    assert told["log_level"] == "error"

    drain_completely(impatient)
    assert board_of(impatient) == dict.fromkeys(players, 25)
    assert {status(impatient, *update) for update in sent} == {"applied"}
    assert quarantined(engine) == 0
    assert reason_shown(impatient) == ""


def test_what_a_worker_that_is_gone_said_of_held_updates_ends_with_the_first_good_drain_of_another(
    worker: WorkerState, engine: Engine
) -> None:
    held.show(worker.redis, "entries have version 2; this worker reads 1")
    metrics.HELD.set(1)
    (player,) = add_users(engine, 1)
    accept(worker, player)
    worker.drain.run()
    assert reason_shown(worker) == ""
    assert [sample.value for family in metrics.HELD.collect() for sample in family.samples] == [0]
    held.show(worker.redis, "another process holds updates back")
    worker.drain.run()
    assert reason_shown(worker) == "another process holds updates back"


def test_what_one_process_held_and_another_one_applied_is_not_told_any_more_once_the_inbox_is_empty(
    worker: WorkerState, engine: Engine
) -> None:
    (player,) = add_users(engine, 1)
    accept(worker, player)
    held.show(worker.redis, "another process holds updates back")
    metrics.HELD.set(1)
    assert not maintenance.is_to_ring(worker), "whoever accepted it has rung"
    assert reason_shown(worker) == "another process holds updates back"
    worker.drain.run()
    held.show(worker.redis, "another process has held updates back")
    assert not maintenance.is_to_ring(worker)
    assert reason_shown(worker) == ""
    assert [sample.value for family in metrics.HELD.collect() for sample in family.samples] == [0]


def test_a_worker_that_holds_updates_back_leaves_the_inbox_alone_for_a_while(
    worker: WorkerState, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.held_updates.FIRST_PAUSE_SECONDS", 60.0)
    monkeypatch.setattr("workers.held_updates.LONGEST_PAUSE_SECONDS", 60.0)
    first, second = add_users(engine, 2)
    with renamed_column(engine):
        accept(worker, first)
        worker.drain.run()
        accept(worker, second)
        worker.drain.run()
        assert len(deliveries(worker)) == 1
    other = replace(worker.drain, consumer="other", _backoff=Backoff(), _reclaim_backoff=Backoff())

    def drained() -> bool:
        other.run()
        return worker.inbox.depth() == 0

    wait_until(drained)
    assert board_of(worker) == {first: 25, second: 25}


def test_a_right_that_is_taken_away_holds_updates_back_until_it_is_given_again(
    settings: Settings, worker: WorkerState, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.held_updates.LONGEST_PAUSE_SECONDS", 0.0)
    role = f"serving_{uuid.uuid4().hex[:8]}"
    with engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'serving'"))
        connection.execute(text(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"))
        connection.execute(text(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}"))
    serving = WorkerState.create(settings.model_copy(update={"database_url": _as_role(settings.database_url, role)}))
    (player,) = add_users(engine, 1)
    with engine.begin() as connection:
        connection.execute(text(f"REVOKE INSERT ON score_events FROM {role}"))
    key = accept(serving, player)
    for _ in range(2 * QUARANTINE_AFTER):
        serving.drain.run()
    assert "score_events" in reason_shown(worker)
    assert (status(worker, player, key), quarantined(engine)) == ("accepted", 0)
    with engine.begin() as connection:
        connection.execute(text(f"GRANT INSERT ON score_events TO {role}"))
    drain_completely(serving)
    assert status(worker, player, key) == "applied"
    serving.close()
    with engine.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))


def _as_role(url: str, role: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}:serving@{parts.netloc.rpartition('@')[2]}"))


def test_a_mistake_after_the_commit_refuses_nobody_and_holds_up_nobody_else(
    impatient: WorkerState, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry that brings out a mistake of ours stays pending, also when it is counted already."""
    odd, *others = add_users(engine, 5)
    odd_key = accept(impatient, odd)
    for player in others:
        accept(impatient, player)
    with monkeypatch.context() as mistaken:
        answer = batches._reply

        def stumble(delivery: Delivery, recorded: Recorded, moves: Mapping[BoardId, Mapping[str, Moved]]) -> Reply:
            if delivery.update.user_id == odd:
                raise KeyError("a field that is not there")
            return answer(delivery, recorded, moves)

        mistaken.setattr(batches, "_reply", stumble)
        for _ in range(2 * QUARANTINE_AFTER):
            impatient.drain.run()
        late = accept(impatient, others[0], "share")
        impatient.drain.run()
        assert status(impatient, others[0], late) == "applied"
        assert status(impatient, odd, odd_key) == "accepted"
        assert deliveries(impatient) == [0]
        assert "a field that is not there" in reason_shown(impatient)
    drain_completely(impatient)
    assert status(impatient, odd, odd_key) == "applied"
    assert board_of(impatient) == {others[0]: 26, **dict.fromkeys([odd, *others[1:]], 25)}
    assert quarantined(engine) == 0


def test_when_most_of_a_batch_fails_one_by_one_nothing_is_quarantined(impatient: WorkerState, engine: Engine) -> None:
    """As with a database from before the players registered: each update looks as if it were to blame."""
    (known,) = add_users(engine, 1)
    unknown = [str(uuid.uuid4()) for _ in range(batches.MANY)]
    sent = [(player, accept(impatient, player)) for player in [*unknown, known]]
    for _ in range(2 * QUARANTINE_AFTER):
        impatient.drain.run()
    assert board_of(impatient) == {known: 25}
    assert quarantined(engine) == 0
    assert "5 of 5 new updates fail" in reason_shown(impatient) or "5 of 6 new updates fail" in reason_shown(impatient)
    plain = {"password_hash": "-", "role": "player"}
    rows = [{"id": player, "username": player[:8], "username_key": player, **plain} for player in unknown]
    with engine.begin() as connection:
        connection.execute(tables.users.insert(), rows)
    drain_completely(impatient)
    assert {status(impatient, *update) for update in sent} == {"applied"}


def test_a_few_bad_entries_among_good_ones_are_quarantined_though_they_come_back_together(
    impatient: WorkerState, engine: Engine
) -> None:
    players = add_users(engine, 20)
    unknown = [str(uuid.uuid4()) for _ in range(batches.MANY + 1)]
    for player in [*unknown, *players]:
        accept(impatient, player)
    for _ in range(QUARANTINE_AFTER):
        impatient.drain.run()
    assert board_of(impatient) == dict.fromkeys(players, 25)
    assert quarantined(engine) == len(unknown)
    assert impatient.inbox.depth() == 0


def test_a_player_who_has_all_points_there_are_is_refused_however_many_such_updates_there_are(
    worker: WorkerState, engine: Engine
) -> None:
    (player,) = add_users(engine, 1)
    with engine.begin() as connection:
        connection.execute(
            text("""INSERT INTO standings (board_id, period_id, user_id, score, tie, version, updated_at)
                    VALUES ('main', 'all', :player, 9007199254740991, 1, 1, now())"""),
            {"player": player},
        )
    sent = [accept(worker, player) for _ in range(2 * batches.MANY)]
    drain_completely(worker)
    assert {status(worker, player, key) for key in sent} == {"refused"}


# -- the start -------------------------------------------------------------------------------------------------------


@pytest.fixture
def behind(servers: Servers, make_settings: SettingsFactory) -> Iterator[tuple[Settings, Engine]]:
    """A database that an earlier version has migrated."""
    url = servers.create_database(f"behind_{uuid.uuid4().hex[:8]}")
    settings = make_settings(DATABASE_URL=url)
    engine = database.create(settings, pool_size=1, statement_timeout_ms=10_000)
    migrate.upgrade(engine, "0008")
    yield settings, engine
    engine.dispose()


def misfit(settings: Settings) -> str:
    try:
        schema.require_fit_at_start(settings)
    except schema.MisfitError as error:
        return str(error)
    return ""


def test_a_schema_of_an_earlier_version_stops_the_start_until_it_is_migrated(
    behind: tuple[Settings, Engine], servers: Servers, make_settings: SettingsFactory
) -> None:
    settings, engine = behind
    assert "is at version 0008" in misfit(settings)
    assert "run `scoreboard migrate`" in misfit(settings)
    migrate.upgrade(engine)
    assert misfit(settings) == ""
    empty = servers.create_database(f"empty_{uuid.uuid4().hex[:8]}")
    assert "has no tables of ours" in misfit(make_settings(DATABASE_URL=empty))


def test_a_schema_of_a_later_version_fits_while_it_has_what_is_used_and_demands_no_more(
    settings: Settings, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("ALTER TABLE score_events ADD COLUMN later text"))
    assert misfit(settings) == ""
    with renamed_column(engine):
        assert "standings.score is not there" in misfit(settings)
        assert "standings.renamed_meanwhile has to be filled" in misfit(settings)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE score_events ALTER COLUMN later SET NOT NULL"))
    assert misfit(settings) == "the schema (version 9999) does not fit: score_events.later has to be filled"


def test_a_database_that_is_away_stops_no_start(make_settings: SettingsFactory) -> None:
    url = f"postgresql://nobody:nothing@127.0.0.1:{free_port()}/none"
    assert misfit(make_settings(DATABASE_URL=url)) == ""


def environment_of(settings: Settings, folder: Path) -> dict[str, str]:
    return {
        "PATH": str(Path(sys.executable).parent),
        "DATABASE_URL": settings.database_url.replace("postgresql+psycopg2", "postgresql"),
        "REDIS_URL": settings.redis_url,
        "SCOREBOARD_JWT_SECRET": settings.jwt_secret.get_secret_value().decode(),
        "SCOREBOARD_SECRET_KEY": settings.secret_key.get_secret_value().decode(),
        "SCOREBOARD_PORT": str(free_port()),
        "SCOREBOARD_METRICS_PORT": str(free_port()),
        "SCOREBOARD_WORKER_METRICS_PORT": str(free_port()),
        "PROMETHEUS_MULTIPROC_DIR": str(folder),
    }


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("web", ["gunicorn", "--config", "web/server/gunicorn_config.py", "web.server.wsgi:app"]),
        ("worker", ["celery", "--quiet", "--app", "workers.app", "worker", "--concurrency", "1", "--without-mingle"]),
    ],
)
def test_web_and_worker_refuse_to_start_before_the_migration_and_touch_no_update(
    worker: WorkerState, behind: tuple[Settings, Engine], tmp_path: Path, name: str, command: list[str]
) -> None:
    """With an exit code after which a supervisor tries again: the migration may be under way."""
    settings, _ = behind
    accept(worker, str(uuid.uuid4()))
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name(command[0])), *command[1:]],
        cwd=ROOT,
        env=environment_of(settings, tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        output, _ = process.communicate(timeout=60)
    finally:
        process.send_signal(signal.SIGKILL)
    assert process.returncode == 1, output
    assert f"{name} cannot start: DATABASE_URL: the schema is at version 0008" in output
    assert "run `scoreboard migrate`" in output
    assert (worker.inbox.depth(), deliveries(worker)) == (1, [])


def test_a_process_that_idles_in_a_transaction_has_it_ended(worker: WorkerState) -> None:
    with worker.engine.connect() as connection:
        timeouts = connection.execute(
            text("""SELECT name, setting::int FROM pg_settings WHERE name IN
                    ('idle_in_transaction_session_timeout', 'lock_timeout', 'statement_timeout')""")
        )
        assert {row.name: row.setting for row in timeouts} == {
            "idle_in_transaction_session_timeout": 10_000,
            "lock_timeout": 2_000,
            "statement_timeout": 30_000,
        }
