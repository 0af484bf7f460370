"""`scoreboard backup` and `scoreboard restore`: all of it or nothing, and nothing counted twice or lost in silence."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, NullPool, create_engine, text

from common.core.settings import Settings
from common.domain import enrolments
from common.domain.adjustments import Adjustment
from common.domain.boards import Board
from common.domain.ledger_row import OPERATOR
from common.domain.scoring import Action
from common.postgres import audit, migrate, quarantine, schema
from common.postgres.audit import Actor
from common.redis_store import keys
from common.redis_store.inbox import Accepted
from dev.harness.servers import Servers
from dev.harness.waiting import wait_until
from dev.servers import postgres_home
from scoreboard import backup_file, postgres_programs
from scoreboard.postgres_programs import Programs
from tests.command_line import CommandLine, Commands, command_line_of
from tests.conftest import SERVING, as_serving_role, draining_thread
from tests.inbox import accept, add_action, add_users, board_of, drain_completely
from tests.player import log_in, register
from web import create_app
from workers import maintenance
from workers.state import WorkerState

COUNTED = ("users", "score_events", "standings", "audit_log", "boards", "actions", "sessions")


@dataclass
class Drill:
    """Commands `here`, on the worker's database, and `there`, on a new one, at `url`; backups go to `folder`."""

    here: CommandLine
    there: CommandLine
    url: str
    folder: Path

    def backed_up(self, name: str = "scoreboard.backup", by: CommandLine | None = None) -> Path:
        file = self.folder / name
        done = (by or self.here)("backup", str(file))
        assert done.returncode == 0, done.stderr
        return file


@pytest.fixture
def drill(
    servers: Servers, commands: Commands, settings: Settings, command_line: CommandLine, tmp_path: Path
) -> Iterator[Drill]:
    url = servers.create_database("restored")
    yield Drill(command_line, command_line_of(commands, at(settings, url)), url, tmp_path)
    servers.drop_database("restored")


def at(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"database_url": url.replace("postgresql://", "postgresql+psycopg2://", 1)})


@contextmanager
def connected(url: str) -> Iterator[Engine]:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg2://", 1), poolclass=NullPool)
    try:
        yield engine
    finally:
        engine.dispose()


def contents(url: str) -> dict[str, int]:
    """The number of rows of some tables; nothing for a database without ours."""
    with connected(url) as engine, engine.connect() as connection:
        if schema.version(connection) is None:
            return {}
        return {name: int(connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0) for name in COUNTED}  # noqa: S608


@contextmanager
def serving(settings: Settings) -> Iterator[WorkerState]:
    """A worker on what was restored."""
    state = WorkerState.create(settings)
    maintenance.repair(state)
    maintenance.show_alive(state)
    try:
        yield state
    finally:
        state.close()


def environment_of(settings: Settings) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "DATABASE_URL": settings.database_url.replace("postgresql+psycopg2", "postgresql"),
        "REDIS_URL": settings.redis_url,
        "SCOREBOARD_JWT_SECRET": "jwt-secret-of-tests-" * 2,
        "SCOREBOARD_SECRET_KEY": settings.secret_key.get_secret_value().decode(),
    }


def stopped(worker: WorkerState, client: FlaskClient | None = None) -> None:
    worker.close()
    if client:
        client.application.extensions["scoreboard"].close()


def test_a_backup_made_while_updates_are_applied_is_of_one_instant(
    worker: WorkerState, drill: Drill, settings: Settings
) -> None:
    players = add_users(worker.engine, 20)
    done = threading.Event()

    def play() -> None:
        while not done.is_set():
            for player in players:
                accept(worker, player)
            time.sleep(0.001)

    playing = threading.Thread(target=play)
    playing.start()
    with draining_thread(worker):
        files = [drill.backed_up(f"{number}.backup") for number in range(2)]
        done.set()
        playing.join()
    assert files[0].stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in drill.folder.iterdir()) == ["0.backup", "1.backup"], "no draft is left"
    drain_completely(worker)
    stopped(worker)
    restored = drill.there("restore", str(files[1]))
    assert restored.returncode == 0, restored.stderr
    with serving(at(settings, drill.url)) as state:
        assert state.verifier.check(players) == []
        with state.engine.connect() as connection:
            points, scores = connection.execute(
                text("SELECT (SELECT sum(points) FROM score_events), "
                     "(SELECT sum(score) FROM standings WHERE period_id = 'all')")
            ).one()  # fmt: skip
    assert points == scores > 0


def test_what_waits_in_the_inbox_counts_once_after_a_restoration_and_what_cannot_is_shown(
    worker: WorkerState, drill: Drill, client: FlaskClient, settings: Settings
) -> None:
    ada, ben = register(client, "ada"), register(client, "ben")
    with draining_thread(worker):
        counted = ada.claim("share", "in-the-backup")
        assert ada.send(counted).status_code == 200
        file = drill.backed_up()
        assert ada.update("win-match", "after-the-backup").status_code == 200
        assert worker.inbox.receipt(ada.user_id, "after-the-backup")
        late = register(client, "late")
    accept(worker, ben.user_id, "win-match", "waits")
    accept(worker, late.user_id, "win-match", "of-nobody")
    worker.redis.delete(keys.receipt(ada.user_id, "in-the-backup"))
    accept(worker, ada.user_id, "share", "in-the-backup")
    stopped(worker, client)

    refused = drill.here("restore", str(file))
    assert refused.returncode == 1
    assert "not empty" in refused.stderr
    done = drill.here("restore", "--replace", str(file))

    assert done.returncode == 0, done.stderr
    assert "3 accepted updates wait" in done.stdout
    with serving(settings) as state:
        assert board_of(state) == {ada.user_id: 1}
        assert state.inbox.receipt(ada.user_id, "after-the-backup") is None, "nobody is told of what is not recorded"
        assert state.inbox.receipt(ben.user_id, "waits")
        drain_completely(state)
        assert board_of(state) == {ada.user_id: 1, ben.user_id: 25}
        with state.engine.connect() as connection:
            assert [row.payload["idempotency_key"] for row in quarantine.page(connection, 0, 10)] == ["of-nobody"]
        application = create_app(settings)
        try:
            anew = application.test_client()
            assert anew.get("/api/me", headers=ada.headers).status_code == 401, "nobody is logged in any more"
            again = log_in(anew, "ada")
            with draining_thread(state):
                known = again.update("share", "in-the-backup")
                assert (known.status_code, known.headers["Idempotent-Replayed"]) == (200, "true")
                lost = again.update("win-match", "after-the-backup")
                assert (lost.status_code, lost.get_json()["entry"]["score"]) == (200, 26)
        finally:
            application.extensions["scoreboard"].close()
        assert state.verifier.check([ada.user_id, ben.user_id]) == []


def test_waiting_updates_of_actions_that_the_backup_lacks_count_once_the_catalogue_is_applied(
    worker: WorkerState, drill: Drill, settings: Settings
) -> None:
    ada, ben, cat = add_users(worker.engine, 3)
    file = drill.backed_up()
    now, main = datetime.now(UTC), Board("main")
    adjusted = Adjustment(ada, main, 5, None, "a prize", "by-an-admin", OPERATOR)
    assert isinstance(worker.inbox.accept(adjusted.to_update("request", now)), Accepted)
    (enrolled,) = enrolments.of_players([(cat, ["main"])], {"main": main})
    assert isinstance(worker.inbox.accept(enrolled.to_update(OPERATOR, "request", now)), Accepted)
    of_late = Action("of-late", 1, 7, ("main",))
    accept(worker, ben, add_action(worker, of_late))
    accept(worker, ben, "of-late")
    accept(worker, ben, "share")
    stopped(worker)

    done = drill.here("restore", "--replace", str(file))

    assert done.returncode == 0, done.stderr
    said = "2 waiting updates are of actions that the backup lacks or has disabled: of-late; apply the"
    assert said in done.stderr
    assert "adjust-main" not in done.stderr
    with serving(settings) as state:
        add_action(state, of_late)
        drain_completely(state)
        assert board_of(state) == {ada: 5, ben: 15, cat: 0}
        assert state.verifier.check([ada, ben, cat]) == []


def test_a_database_of_a_new_installation_is_empty_and_one_that_is_used_is_not(
    worker: WorkerState, drill: Drill
) -> None:
    add_users(worker.engine, 3)
    file = drill.backed_up()
    stopped(worker)
    assert drill.there("migrate").returncode == 0
    done = drill.there("restore", str(file))
    assert done.returncode == 0, done.stderr
    assert contents(drill.url)["users"] == 3
    refused = drill.there("restore", str(file))
    assert (refused.returncode, "--replace" in refused.stderr) == (1, True)
    log = json.loads(drill.there("audit", "list", "--json").stdout)
    assert [row["action"] for row in log][-1] == "restore"


def test_what_was_decided_since_the_backup_is_named(worker: WorkerState, drill: Drill) -> None:
    made = json.loads(drill.here("keys", "create", "arena", "--json").stdout)
    file = drill.backed_up()
    assert drill.here("keys", "revoke", made["id"]).returncode == 0
    stopped(worker)
    done = drill.here("restore", "--replace", str(file))
    assert f"revoke_key {made['id']}" in done.stdout


def test_all_decisions_that_are_undone_are_told_whatever_happens_behind_the_commit(
    worker: WorkerState, drill: Drill
) -> None:
    file = drill.backed_up()
    with worker.engine.begin() as connection:
        for number in range(30):
            audit.add(connection, Actor("of-nobody"), "revoke_key", f"key-{number}")
    stopped(worker)
    done = drill.here("restore", "--replace", str(file), SCOREBOARD_CATALOGUE=str(drill.folder / "of-nobody.toml"))
    assert done.returncode == 1, "the catalogue cannot be read"
    told, _, after = done.stdout.partition("\nrestored ")
    assert [line.split()[-1] for line in told.splitlines() if "revoke_key" in line] == [f"key-{n}" for n in range(30)]
    assert "as of" in after


def test_a_restoration_that_cannot_tell_what_it_undoes_changes_nothing(
    worker: WorkerState, drill: Drill, settings: Settings
) -> None:
    file = drill.backed_up()
    assert drill.here("keys", "create", "arena").returncode == 0
    add_users(worker.engine, 3)
    stopped(worker)
    before = contents(settings.database_url)
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "scoreboard", "restore", "--replace", str(file)]
        done = subprocess.run(
            command, env=environment_of(settings), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode != 0, contents(settings.database_url)) == (True, before)
    assert "No space left" in done.stderr


def test_a_running_service_is_not_restored(worker: WorkerState, drill: Drill) -> None:
    file = drill.backed_up()
    done = drill.here("restore", "--replace", str(file))
    assert done.returncode == 1
    assert "the service is running" in done.stderr


def cut(whole: bytes) -> bytes:
    return whole[: len(whole) // 2]


def with_one_byte_changed(whole: bytes) -> bytes:
    place = random.Random(7).randrange(100, len(whole) - 2_000)
    return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


def test_a_file_that_is_not_what_was_written_or_not_for_this_version_changes_nothing(
    worker: WorkerState, drill: Drill
) -> None:
    file = drill.backed_up()
    stopped(worker)
    known, whole = backup_file.read(file), file.read_bytes()
    archive = whole.rpartition(b"\nscoreboard-backup ")[0]

    def sealed(**changes: object) -> bytes:
        other = drill.folder / "other.backup"
        other.write_bytes(archive)
        backup_file.seal(other, known.model_copy(update=changes))
        return other.read_bytes()

    cases = {
        "is cut off": [cut(whole), archive],
        "is damaged": [whole[:-1], with_one_byte_changed(whole)],
        "is no backup": [b"PK\x03\x04" + whole, b""],
        "by Scoreboard 9.0": [sealed(schema_version="9999", product="9.0")],
        "lacks rows": [sealed(rows={**known.rows, "users": 1})],
    }
    for said, hurt in cases.items():
        for each in hurt:
            file.write_bytes(each)
            done = drill.there("restore", str(file))
            assert (done.returncode, said in done.stderr, contents(drill.url)) == (1, True, {}), done.stderr


def test_pg_restore_itself_reads_a_backup(worker: WorkerState, drill: Drill) -> None:
    add_users(worker.engine, 3)
    file = drill.backed_up()
    command: list[str | Path] = [
        postgres_home.wheel_programs() / "pg_restore",
        "--exit-on-error",
        f"--dbname={drill.url}",
        file,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert contents(drill.url)["users"] == 3


def test_what_cannot_be_restored_over_is_left_whole(worker: WorkerState, drill: Drill, settings: Settings) -> None:
    file = drill.backed_up()
    add_users(worker.engine, 3)
    with worker.engine.begin() as connection:
        connection.execute(text("CREATE VIEW of_an_operator AS SELECT username FROM users"))
    stopped(worker)
    before = contents(settings.database_url)
    done = drill.here("restore", "--replace", str(file))
    assert (done.returncode, contents(settings.database_url)) == (1, before)
    assert "of_an_operator" in done.stderr


def test_the_serving_role_has_its_rights_as_soon_as_there_are_tables(worker: WorkerState, drill: Drill) -> None:
    file = drill.backed_up()
    stopped(worker)
    done = drill.there(
        "restore", str(file), DATABASE_URL=as_serving_role(drill.url), SCOREBOARD_MIGRATE_DATABASE_URL=drill.url
    )
    assert done.returncode == 0, done.stderr
    with connected(as_serving_role(drill.url)) as engine, engine.connect() as connection:
        schema.require_fit(connection)
        assert connection.scalar(text("SELECT has_table_privilege(:role, 'users', 'UPDATE')"), {"role": SERVING.name})
        may_delete = text("SELECT has_table_privilege(:role, 'score_events', 'DELETE')")
        assert not connection.scalar(may_delete, {"role": SERVING.name})


def test_a_backup_of_an_earlier_version_is_restored_and_migrated(
    worker: WorkerState, drill: Drill, servers: Servers, commands: Commands, settings: Settings
) -> None:
    old = servers.create_database("of_before")
    try:
        with connected(old) as engine:
            migrate.upgrade(engine, "0011")
            with engine.begin() as connection:
                row = "(gen_random_uuid(), 'Ada', 'ada', '-', 'player')"
                connection.execute(
                    text(f"INSERT INTO users (id, username, username_key, password_hash, role) VALUES {row}")  # noqa: S608
                )
        file = drill.backed_up(by=command_line_of(commands, at(settings, old)))
        stopped(worker)
        done = drill.there("restore", str(file))
        assert done.returncode == 0, done.stderr
        with connected(drill.url) as engine, engine.connect() as connection:
            assert schema.is_current(connection)
            assert connection.scalars(text("SELECT username FROM users")).all() == ["Ada"]
    finally:
        servers.drop_database("of_before")


def test_whoever_is_killed_while_restoring_leaves_the_one_or_the_other(
    worker: WorkerState, drill: Drill, settings: Settings
) -> None:
    add_users(worker.engine, 2_000)
    file = drill.backed_up()
    add_users(worker.engine, 7)
    stopped(worker)
    url = settings.database_url.replace("postgresql+psycopg2", "postgresql")
    before = contents(url)
    after = {**before, "users": 2_000, "audit_log": before["audit_log"] + 1}
    environment = environment_of(settings)
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")
    for delay in sorted(random.Random(seed).uniform(0.3, 1.8) for _ in range(3)):
        command = [sys.executable, "-m", "scoreboard", "restore", "--replace", str(file)]
        with subprocess.Popen(
            command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        ) as running:
            try:
                running.wait(delay)
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGKILL)
        now = contents(url)  # it waits for whoever still holds the tables, to the end of their transaction
        assert now in (before, after), seed
    done = drill.here("restore", "--replace", str(file))
    assert done.returncode == 0, done.stderr
    assert contents(url) == after
    with serving(settings) as state:
        assert state.board.find_unserved([("main", "all")]) == []


def test_a_backup_leaves_a_file_that_is_there_as_it_is(worker: WorkerState, drill: Drill) -> None:
    file = drill.folder / "precious"
    file.write_text("precious")
    done = drill.here("backup", str(file))
    assert (done.returncode, file.read_text()) == (1, "precious")
    nowhere = drill.here("backup", str(drill.folder / "no" / "folder"))
    assert (nowhere.returncode, "cannot be written" in nowhere.stderr) == (1, True)


def test_a_backup_leaves_a_file_that_appears_while_it_is_made_as_it_is(worker: WorkerState, drill: Drill) -> None:
    file = drill.folder / "precious"
    with ThreadPoolExecutor(1) as other, worker.engine.begin() as connection:
        connection.execute(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
        backing_up = other.submit(drill.here, "backup", str(file))
        wait_until(lambda: any(drill.folder.glob(".precious.*")))
        file.write_text("precious")
        connection.rollback()
        done = backing_up.result()
    assert (done.returncode, file.read_text()) == (1, "precious")
    assert "is there already" in done.stderr
    assert [path.name for path in drill.folder.iterdir()] == [file.name], "no draft is left"


def test_settings_that_name_two_databases_are_refused_before_anything_is_read_or_changed(
    worker: WorkerState, drill: Drill
) -> None:
    file = drill.backed_up()
    stopped(worker)
    other = f"{drill.url}_of_yesterday"
    for arguments in (("backup", str(drill.folder / "second.backup")), ("restore", str(file))):
        done = drill.there(*arguments, SCOREBOARD_MIGRATE_DATABASE_URL=other)
        assert (done.returncode, "name two databases" in done.stderr) == (2, True), done.stderr
    assert [path.name for path in drill.folder.iterdir()] == [file.name]
    assert contents(drill.url) == {}


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql+psycopg2://ada:se%40cret@db/scores?sslmode=require", "se@cret"),
        ("postgresql://ada@db/scores?password=se%40cret&sslmode=require&sslpassword=se%40cret-too", "se@cret"),
        ("postgresql://ada:other@db/scores?sslmode=require&password=se%40cret", "se@cret"),
        ("postgresql://ada@db/scores?sslmode=require", ""),
    ],
)
def test_no_password_of_a_url_stands_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, password: str
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    program = tmp_path / "psql"
    program.write_text('#!/bin/sh\necho "$PGPASSWORD"\necho "$@"\n')
    program.chmod(0o700)
    with Programs(tmp_path, url).start("psql", stdout=subprocess.PIPE) as started:
        said, arguments = started.communicate()[0].decode().splitlines()
    assert said == password
    assert arguments == "--no-password --dbname=postgresql://ada@db/scores?sslmode=require"


def test_programs_of_another_version_are_not_used_and_named() -> None:
    with pytest.raises(click.ClickException, match=r"PostgreSQL 99.*those of version 18 in .*postgresql-client-99"):
        postgres_programs.find(99, "postgresql:///scoreboard")
