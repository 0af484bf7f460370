import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
import redis

from dev.harness.servers import NotOurServerError, Servers, running_servers, start_servers
from dev.harness.waiting import wait_until
from dev.servers import locks, postgres_home
from dev.servers.postgres import Postgres
from dev.servers.valkey import Valkey
from dev.supervise import accounts
from dev.supervise.processes import Account, StartError
from tests.dev.dummy import is_alive

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to hand PostgreSQL to somebody else")


def query(servers: Servers, statement: str) -> object:
    with closing(psycopg2.connect(servers.database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def valkey(servers: Servers) -> redis.Redis:
    return redis.Redis.from_url(servers.redis_url(), decode_responses=True)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def test_what_was_written_survives_a_kill_of_both_servers_and_the_addresses_stay(root: Path) -> None:
    servers = start_servers(root, fast=False)
    try:
        addresses = servers.database_url, servers.redis_url()
        query(servers, "CREATE TABLE kept AS SELECT 42 AS answer")
        with closing(valkey(servers)) as client:
            client.set("kept", "42")

        for server in (servers.postgres, servers.valkey):
            server.kill()
            server.start()

        servers.prove_own()
        assert (servers.database_url, servers.redis_url()) == addresses
        assert query(servers, "SELECT answer FROM kept") == 42
        with closing(valkey(servers)) as client:
            assert client.get("kept") == "42"
    finally:
        servers.stop()


def test_valkey_frees_large_boards_piece_by_piece_with_the_allocator_that_it_has(root: Path) -> None:
    servers = start_servers(root)
    try:
        with closing(valkey(servers)) as client:
            allocator = client.info("memory")["mem_allocator"]
        environment = Path(f"/proc/{servers.valkey.pid}/environ").read_bytes()
        set_so = environment.replace(b"\0glibc", b":glibc")  # glibc itself writes NUL for each colon as it reads them
    finally:
        servers.stop()
    assert allocator == "libc", "its settings are glibc's"
    assert b"GLIBC_TUNABLES=glibc.malloc.mxfast=0:glibc.malloc.trim_threshold=" in set_so


def test_a_start_in_a_warm_folder_keeps_data_passwords_and_ports(root: Path) -> None:
    first = start_servers(root, fast=False)
    addresses = first.database_url, first.redis_url()
    query(first, "CREATE TABLE kept AS SELECT 42 AS answer")
    first.stop()

    second = start_servers(root, fast=False)
    try:
        assert (second.database_url, second.redis_url()) == addresses
        assert query(second, "SELECT answer FROM kept") == 42
    finally:
        second.stop()


def test_a_folder_may_have_any_name(root: Path) -> None:
    folder = root / 'a "b" 100%c\\d'
    folder.mkdir(mode=0o711)
    servers = start_servers(folder)
    try:
        servers.prove_own()
    finally:
        servers.stop()


@needs_root
def test_root_may_leave_valkey_to_somebody_else_who_then_owns_its_data(root: Path) -> None:
    earlier = Valkey(root, fast=True)
    earlier.start()
    earlier.stop()
    nobody = accounts.by_name("nobody")
    assert nobody
    theirs = Valkey(root, fast=True, account=nobody)

    theirs.start()
    try:
        assert Path(f"/proc/{theirs.pid}").stat().st_uid == nobody.uid
        assert {path.stat().st_uid for path in theirs.data.rglob("*")} == {nobody.uid}
        assert (root / "secrets" / "valkey_password").stat().st_uid == 0
    finally:
        theirs.stop()


def test_stopped_servers_leave_no_process() -> None:
    with running_servers() as servers:
        backend = query(servers, "SELECT pg_backend_pid()")
        pids = servers.postgres.pid, servers.valkey.pid

    assert isinstance(backend, int)
    assert not any(is_alive(pid) for pid in (*pids, backend))


def test_a_start_waits_for_the_last_process_of_a_killed_server(root: Path) -> None:
    servers = start_servers(root)
    try:
        with closing(psycopg2.connect(servers.database_url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (backend,) = cursor.fetchone() or (0,)
            os.kill(backend, signal.SIGSTOP)  # it cannot notice that its server is gone
            servers.postgres.kill()
            assert not servers.postgres.launch()
            os.kill(backend, signal.SIGKILL)

        servers.postgres.start()
        assert query(servers, "SELECT 1") == 1
    finally:
        servers.stop()


def test_the_pid_file_of_a_killed_server_does_not_hinder_even_if_its_number_lives_again(root: Path) -> None:
    servers = start_servers(root)
    try:
        servers.postgres.kill()
        pid_file = servers.postgres.data / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))

        servers.postgres.start()
        assert query(servers, "SELECT 1") == 1
    finally:
        servers.stop()


def test_the_servers_of_make_run_lose_nothing_that_they_have_answered(root: Path) -> None:
    servers = start_servers(root, fast=False)
    try:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            assert query(servers, f"SHOW {setting}") == "on"
        assert query(servers, "SHOW timezone") == "UTC"
        assert query(servers, "SHOW max_connections") == "200"
        with closing(valkey(servers)) as client:
            wanted = {"appendonly": "yes", "appendfsync": "always", "save": "", "maxmemory-policy": "noeviction"}
            assert client.config_get(*wanted) == wanted
    finally:
        servers.stop()


def test_nobody_gets_in_without_the_password(servers: Servers) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(servers.database_url.replace("@", "x@"))
    client = redis.Redis.from_url(servers.redis_url().replace("@", "x@"))
    with closing(client), pytest.raises(redis.AuthenticationError):
        client.ping()


def test_a_test_that_meets_a_stranger_at_its_address_does_not_touch_it(servers: Servers) -> None:
    with running_servers() as stranger:
        expected, stranger.postgres.data = stranger.postgres.data, servers.postgres.data
        with pytest.raises(NotOurServerError, match=str(expected)):
            stranger.create_database("anything")


def test_migrated_databases_have_the_schema_and_are_apart(servers: Servers) -> None:
    urls = {servers.migrated_database(), servers.migrated_database()}

    assert len(urls) == 2
    for url in urls:
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM score_events")
            assert cursor.fetchone() == (0,)


def test_a_cluster_of_another_major_version_is_refused_rather_than_hidden_by_an_empty_one(root: Path) -> None:
    (root / "postgres9").mkdir()
    (root / "postgres9" / "PG_VERSION").write_text("9\n")

    with pytest.raises(StartError, match="postgres9"):
        Postgres(root).start()


def test_a_server_that_ends_at_once_names_its_log(root: Path) -> None:
    servers = start_servers(root)
    servers.stop()
    (servers.postgres.data / "postgresql.conf").write_text("nonsense = on\n")

    with pytest.raises(StartError, match=r"postgres\.log"):
        Postgres(root).start()


def test_a_lock_lasts_as_long_as_the_last_process_that_inherited_it(tmp_path: Path) -> None:
    lock = locks.hold(tmp_path / "lock")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock]) as heir:
        os.close(lock)
        with pytest.raises(locks.AlreadyHeldError):
            locks.hold(tmp_path / "lock")
        heir.kill()

    os.close(locks.hold(tmp_path / "lock", wait_seconds=5))


@needs_root
def test_root_starts_postgresql_below_a_folder_that_only_root_can_enter(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, elsewhere = root / "closed", root / "elsewhere"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(postgres_home, "ELSEWHERE", elsewhere)

    with umask(0o077):
        servers = start_servers(closed)
    try:
        assert servers.postgres.data.is_relative_to(elsewhere)
        assert Path(f"/proc/{servers.postgres.pid}").stat().st_uid != 0
    finally:
        servers.stop()
    assert Postgres(closed).data == servers.postgres.data  # the next start finds it again


@needs_root
def test_root_runs_a_copy_of_programs_that_only_root_can_reach(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reaches = accounts.can_reach

    def only_ours(folder: Path, account: Account) -> bool:
        return folder.is_relative_to(root) and reaches(folder, account)

    monkeypatch.setattr(accounts, "can_reach", only_ours)

    with umask(0o077):
        servers = start_servers(root)
    try:
        program = Path(f"/proc/{servers.postgres.pid}/exe").readlink()
        assert program.is_relative_to(root)
    finally:
        servers.stop()


def test_a_killed_test_run_leaves_no_server(root: Path) -> None:
    script = (
        "import sys, signal, pathlib; from dev.harness.servers import start_servers;"
        "s = start_servers(pathlib.Path(sys.argv[1])); print(s.postgres.pid, s.valkey.pid, flush=True); signal.pause()"
    )
    command = [sys.executable, "-c", script, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        pids = [int(pid) for pid in run.stdout.readline().split()]
        run.kill()

    wait_until(lambda: not any(is_alive(pid) for pid in pids))
