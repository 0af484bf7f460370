"""Two roles: the owner migrates; the one that serves can neither change what is recorded nor the schema."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from psycopg2 import errors, sql
from sqlalchemy import Engine, create_engine, false, text
from sqlalchemy.exc import ProgrammingError

from common.postgres import grants, tables
from common.postgres.grants import APPEND_ONLY, ServingRole
from dev.harness.servers import Servers
from dev.harness.stack import ROOT
from dev.servers import roles
from dev.supervise.program_secrets import OWNER
from tests.command_line import CommandLine
from tests.conftest import as_serving_role
from workers.state import WorkerState


@pytest.fixture
def serving(worker: WorkerState) -> Iterator[Engine]:
    """The database of the worker, for the role that serves."""
    engine = create_engine(as_serving_role(worker.settings.database_url))
    yield engine
    engine.dispose()


@pytest.fixture
def new_role(servers: Servers) -> Iterator[ServingRole]:
    """One that does not exist yet."""
    role = ServingRole(f'Serving "{secrets.token_hex(4)}" 100%', "a pass%word: with 'quotes'")
    yield role
    with psycopg2.connect(servers.postgres.url_of("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role.name])
        if cursor.fetchone():
            cursor.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role.name)))


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = ''", "DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}"])
def test_the_serving_role_cannot_change_what_is_recorded(serving: Engine, table: str, statement: str) -> None:
    text_column = {"score_events": "source", "audit_log": "actor"}[table]
    with pytest.raises(ProgrammingError) as refusal, serving.begin() as connection:
        connection.execute(text(statement.format(table, text_column)))

    assert isinstance(refusal.value.orig, errors.InsufficientPrivilege)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE another (id int)",
        "ALTER TABLE users ADD COLUMN another int",
        "CREATE INDEX another ON users (role)",
        "UPDATE alembic_version SET version_num = '0000'",
        "SELECT setval('score_event_ids', 1)",
        "CREATE ROLE another",
        "ALTER TABLE score_events DISABLE TRIGGER ALL",
    ],
)
def test_the_serving_role_cannot_change_the_schema(serving: Engine, statement: str) -> None:
    with pytest.raises(ProgrammingError) as refusal, serving.begin() as connection:
        connection.execute(text(statement))

    assert isinstance(refusal.value.orig, errors.InsufficientPrivilege)


def test_the_serving_role_reads_every_table_and_writes_all_others(serving: Engine) -> None:
    with serving.begin() as connection:
        for table in tables.metadata.sorted_tables:
            connection.execute(table.select().limit(1))
            if table.name not in APPEND_ONLY:
                connection.execute(table.delete().where(false()))
        connection.execute(text("SELECT * FROM alembic_version"))


def migrate(owner: str, serving_url: str, redis_url: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.defpath,
        "DATABASE_URL": serving_url,
        OWNER: owner,
        "REDIS_URL": redis_url,
        "SCOREBOARD_JWT_SECRET": secrets.token_urlsafe(32),
        "SCOREBOARD_SECRET_KEY": secrets.token_urlsafe(32),
    }
    command = [sys.executable, "-m", "scoreboard", "migrate"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_migration_makes_the_role_gives_it_its_rights_and_may_be_repeated(servers: Servers) -> None:
    owner = servers.create_database("of_an_owner")
    name, password = f"serving_{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    parts = urlsplit(owner)
    url = parts._replace(netloc=f"{name}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()
    try:
        for _ in range(2):
            done = migrate(owner, url, servers.redis_url())
            assert done.returncode == 0, done.stderr
            assert f"the role {name} has what it needs to serve" in done.stdout
            assert done.stderr == ""
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT action, subject FROM audit_log ORDER BY id")
            assert cursor.fetchall() == [("migrate", "schema"), ("create_role", name)]
            with pytest.raises(errors.InsufficientPrivilege):
                cursor.execute("DELETE FROM audit_log")
    finally:
        servers.drop_database("of_an_owner")
        with psycopg2.connect(servers.postgres.url_of("postgres")) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def test_two_addresses_of_two_databases_are_refused(servers: Servers) -> None:
    done = migrate(servers.postgres.url_of("one"), servers.postgres.url_of("another"), servers.redis_url())

    assert done.returncode == 2
    assert done.stderr == "scoreboard: DATABASE_URL and SCOREBOARD_MIGRATE_DATABASE_URL name two databases\n"


def test_with_one_role_everything_works_as_before(command_line: CommandLine) -> None:
    done = command_line("migrate")

    assert (done.returncode, done.stderr) == (0, "")
    assert "role" not in done.stdout


def test_a_serving_role_that_may_do_everything_anyhow_is_told(servers: Servers, worker: WorkerState) -> None:
    superuser = f"mighty_{secrets.token_hex(4)}"
    owner = worker.settings.database_url.replace("postgresql+psycopg2", "postgresql")
    parts = urlsplit(owner)
    with worker.engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {superuser} SUPERUSER LOGIN PASSWORD 'x'"))
    try:
        url = parts._replace(netloc=f"{superuser}:x@{parts.netloc.rpartition('@')[2]}").geturl()
        done = migrate(owner, url, servers.redis_url())
        assert done.returncode == 0
        assert "is a superuser or owns tables" in done.stderr
    finally:
        with worker.engine.begin() as connection:
            connection.execute(text(f"DROP OWNED BY {superuser}"))
            connection.execute(text(f"DROP ROLE {superuser}"))


def test_a_role_with_an_odd_name_and_password_is_made_and_can_log_in(
    worker: WorkerState, new_role: ServingRole
) -> None:
    parts = urlsplit(worker.settings.database_url)
    with worker.engine.begin() as connection:
        assert grants.ensure_role(connection, new_role)
        assert not grants.ensure_role(connection, new_role)
    psycopg2.connect(
        host=parts.hostname, port=parts.port, dbname="postgres", user=new_role.name, password=new_role.password
    ).close()


def test_rights_that_were_given_by_hand_are_taken_back(worker: WorkerState, serving: Engine) -> None:
    role = grants.serving_role(as_serving_role(worker.settings.database_url))
    assert role
    with worker.engine.begin() as connection:
        connection.execute(text(f"GRANT ALL ON score_events TO {role.name}"))
        grants.grant(connection, role)
    with pytest.raises(ProgrammingError), serving.begin() as connection:
        connection.execute(text("DELETE FROM score_events"))


def test_the_embedded_server_gets_a_second_role_also_if_it_had_one(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"serving_{secrets.token_hex(4)}"
    monkeypatch.setattr(roles, "SERVING", name)
    env, again = {"DATABASE_URL": servers.database_url}, {"DATABASE_URL": servers.database_url}
    try:
        roles.separate(env, tmp_path)
        roles.separate(again, tmp_path)

        assert env == again
        assert env[OWNER] == servers.database_url
        assert urlsplit(env["DATABASE_URL"]).username == name
        psycopg2.connect(env["DATABASE_URL"]).close()
    finally:
        with psycopg2.connect(servers.postgres.url_of("postgres")) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
