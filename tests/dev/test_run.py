"""`make run`'s program on a project of dummies: real servers, real signals."""

import os
import re
import signal
import stat
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
import pytest
import redis

from common.core import run_env
from dev.harness.servers import Servers
from dev.harness.waiting import wait_until
from dev.run import environment
from dev.servers import locks, ports
from tests.dev.dummy import DUMMY, Project, is_alive

NAMES = {"web", "worker", "beat", "flower"}
TALK = r"""
print('{"event":"request","level":"info","status":200}', flush=True)
print('{"event":"odd","level":"warning","detail":"a \\"level\\":\\"info\\" b","logger":"web.x"}', flush=True)
print("2026-11-26T20:00:00Z [info     ] request", flush=True)
threading.Timer(1, print, ["2026-11-26T20:00:01Z [warning  ] after a while"], {"flush": True}).start()
"""
DEMO = """\
import os, signal, sys

def stop(*_):
    with open("events", "a") as file:
        file.write(f"demo stop {os.getpid()}\\n")
    os._exit(0)

if sys.argv[1] == "demo":
    signal.signal(signal.SIGTERM, stop)
    with open("events", "a") as file:
        file.write(f"demo start {os.getpid()} {os.getpid()}\\n")
    print(*sys.argv[1:], flush=True)
    signal.pause()
"""


def test_a_start_brings_up_servers_and_programs_and_says_where_they_are(project: Project) -> None:
    with project.run() as run:
        run.wait_until_ready()

        assert {start.name for start in project.starts()} == NAMES
        assert "migrate  | migrating postgresql://" in run.output
        assert f"http://127.0.0.1:{project.ports['SCOREBOARD_PORT']}" in run.output
        assert f"http://127.0.0.1:{project.ports['SCOREBOARD_FLOWER_PORT']}" in run.output
        shared = run_env.read(project.data)
        with closing(psycopg2.connect(shared["DATABASE_URL"])), closing(redis.Redis.from_url(shared["REDIS_URL"])) as r:
            assert r.ping()
        for name in environment.GENERATED_SECRETS:
            assert stat.S_IMODE(Path(shared[f"{name}_FILE"]).stat().st_mode) == 0o600


@pytest.mark.parametrize("request_to_stop", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_ends_everything_in_order_within_seconds(project: Project, request_to_stop: signal.Signals) -> None:
    with project.run() as run:
        run.wait_until_ready()
        everybody = run.family() | project.everybody()

        assert run.stop(request_to_stop) == 0

    assert set(project.stops()) == NAMES
    assert project.stops()[-1] == "worker"
    assert not any(is_alive(pid) for pid in everybody)
    assert run_env.read(project.data) == {}


def test_a_second_start_is_warm_and_keeps_data_secrets_and_addresses(project: Project) -> None:
    with project.run() as run:
        run.wait_until_ready()
        first = run_env.read(project.data)
        with (
            closing(psycopg2.connect(first["SCOREBOARD_MIGRATE_DATABASE_URL"])) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        secrets = {path.name: path.read_bytes() for path in (project.data / "secrets").iterdir()}

    with project.run() as run:
        run.wait_until_ready()
        assert run_env.read(project.data) == first
        with (
            closing(psycopg2.connect(first["SCOREBOARD_MIGRATE_DATABASE_URL"])) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT answer FROM kept")
            assert cursor.fetchone() == (42,)
    assert {path.name: path.read_bytes() for path in (project.data / "secrets").iterdir()} == secrets


def test_whoever_dies_is_started_again_and_nobody_else(project: Project) -> None:
    with project.run() as run:
        run.wait_until_ready()
        before = run_env.read(project.data)
        (worker,) = project.starts("worker")

        os.kill(worker.pid, signal.SIGKILL)
        run.wait_for("worker   | was killed by signal 9; starting it again")
        wait_until(lambda: len(project.starts("worker")) == 2)
        assert not is_alive(worker.child)

        for program, pid in run.servers().items():
            os.kill(pid, signal.SIGKILL)
            run.wait_for(f"{program.partition('-')[0]:<8} | was killed by signal 9; starting it again")

        with closing(redis.Redis.from_url(before["REDIS_URL"])) as client:
            wait_until(lambda: answers(client))
        wait_until(lambda: connects(before["DATABASE_URL"]))
        assert {name: len(project.starts(name)) for name in NAMES} == {"web": 1, "worker": 2, "beat": 1, "flower": 1}


def test_when_only_the_supervisor_is_killed_nothing_outlives_it_and_a_new_start_recovers(project: Project) -> None:
    with project.run() as run:
        run.wait_until_ready()
        everybody = run.family() | project.everybody()
        run.process.kill()

    with project.run() as again:  # at once: it waits for what is still ending
        again.wait_until_ready()
        assert len(project.starts("web")) == 2
    wait_until(lambda: not any(is_alive(pid) for pid in everybody - project.everybody()))


def test_a_start_that_waits_for_an_earlier_one_can_be_stopped(project: Project) -> None:
    project.data.mkdir()
    lock = locks.hold(project.data / "programs.lock")

    with project.run() as run:
        run.wait_for("waiting for the processes of an earlier run")
        assert run.stop() == 0

    os.close(lock)
    assert project.starts() == []


def test_when_all_of_it_is_killed_a_new_start_recovers(project: Project) -> None:
    with project.run() as run:
        run.wait_until_ready()
        first = run_env.read(project.data)
        for pid in run.family():
            with suppress(ProcessLookupError):  # some end with their parent
                os.kill(pid, signal.SIGKILL)

    with project.run() as again:
        again.wait_until_ready()
        assert run_env.read(project.data) == first


def test_a_run_ends_with_the_parent_that_it_was_told_to_end_with(project: Project) -> None:
    with project.run(str(os.getpid() + 1)) as run:  # as if our parent had died already
        assert run.process.wait(30) == 0

    assert project.starts() == []


def test_demo_players_come_when_all_is_ready_and_are_told_where(project: Project) -> None:
    (project.root / "scoreboard" / "__main__.py").write_text(DEMO)

    with project.run(DEMO="1") as run:
        run.wait_until_ready()
        run.wait_for(f"demo     | demo --url http://127.0.0.1:{project.ports['SCOREBOARD_PORT']}")
        (demo,) = project.starts("demo")
        os.kill(demo.pid, signal.SIGKILL)
        run.wait_for("demo     | was killed by signal 9; starting it again")
        wait_until(lambda: len(project.starts("demo")) == 2)
        assert "data in .data-demo, apart from that of a `make run` without DEMO=1 (.data)" in run.output
        assert run_env.running_folder({}, project.root) == project.root / ".data-demo"
        assert run.stop() == 0

    assert not project.data.exists()
    assert "demo" in project.stops()
    assert run.output.index("ready after") < run.output.index("starting demo")


@pytest.mark.parametrize("word", ["", "0"])
def test_without_demo_nobody_comes(project: Project, word: str) -> None:
    (project.root / "scoreboard" / "__main__.py").write_text(DEMO)

    with project.run(DEMO=word) as run:
        run.wait_until_ready()

    assert "demo" not in run.output
    assert project.starts("demo") == []


def test_a_demo_that_is_neither_wanted_nor_not_stops_the_start(project: Project) -> None:
    with project.run(DEMO="perhaps") as run:
        assert run.process.wait(30) == 1

    assert "cannot start: DEMO: " in run.output
    assert project.starts() == []


def test_a_second_run_in_the_same_folder_is_refused_and_the_first_goes_on(project: Project) -> None:
    with project.run() as run:
        run.wait_until_ready()
        first = run.output

        with project.run() as second:
            assert second.process.wait(30) == 1
            assert "another `make run` uses" in second.output

        assert first
        assert run.process.poll() is None


def test_servers_that_the_operator_names_are_used_and_none_is_started(project: Project, servers: Servers) -> None:
    given = {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url(2)}

    with project.run(**given) as run:
        run.wait_until_ready()
        assert run.servers() == {}
        assert run_env.read(project.data).items() >= given.items()

    assert (project.data / "secrets" / "jwt_secret").exists()
    assert not (project.data / "valkey").exists()


def test_each_server_is_decided_on_its_own(project: Project, servers: Servers) -> None:
    with project.run(DATABASE_URL=servers.database_url) as run:
        run.wait_until_ready()
        assert run.servers().keys() == {"valkey-server"}


@pytest.mark.parametrize("variable", ["SCOREBOARD_PORT", "SCOREBOARD_UPDATE_LIMIT", "REDIS_URL"])
def test_a_bad_value_stops_the_start_with_its_name_before_anything_is_started(project: Project, variable: str) -> None:
    with project.run(**{variable: "nonsense"}) as run:
        assert run.process.wait(30) == 1

    assert f"cannot start: {variable}: " in run.output
    assert project.starts() == []
    assert not (project.data / "valkey").exists()


def test_what_is_typed_after_make_run_chooses_the_port(project: Project) -> None:
    port = str(ports.any_free(besides={int(taken) for taken in project.ports.values()}))

    with project.run(PORT=port) as run:
        run.wait_until_ready()

        assert f"http://127.0.0.1:{port}\n" in run.output
        assert run_env.read(project.data)["SCOREBOARD_URL"] == f"http://127.0.0.1:{port}"


def test_whatever_is_shown_is_in_the_log_file_of_the_data_folder(project: Project) -> None:
    with project.run() as run:
        run.wait_until_ready()

    log = (project.data / "run.log").read_text(encoding="utf-8")
    for name in ("run.log", "postgres.log", "valkey.log"):
        assert stat.S_IMODE((project.data / name).stat().st_mode) == 0o600, name
    assert {"web      | web is up", "run      | migrating the database", "run      | stopped"} <= set(log.splitlines())


def test_on_a_terminal_the_banner_comes_last_and_then_warnings_alone(project: Project) -> None:
    (project.root / "dummy.py").write_text(DUMMY.replace("child = ", TALK + "child = "))

    with project.run_on_terminal() as run:
        run.wait_until_ready()
        run.wait_for("[warning  ] after a while")

    assert "request" not in run.output
    assert re.search(r"\[warning  \]\S* odd ", run.output)
    assert '{"event"' not in run.output
    assert run.output.index("ready after") < run.output.index("/docs") < run.output.index("Ctrl-C")
    assert "request" in (project.data / "run.log").read_text(encoding="utf-8")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has somebody else to become")
def test_what_root_starts_does_not_run_as_root_or_the_reason_is_named(project: Project) -> None:
    with project.run() as run:
        run.wait_until_ready()
        users = {Path(f"/proc/{start.pid}").stat().st_uid for start in project.starts()}
        users |= {Path(f"/proc/{pid}").stat().st_uid for name, pid in run.servers().items() if name == "valkey-server"}

    warned = "warning: everything but PostgreSQL runs as root, because" in run.output
    assert len(users) == 1
    assert (users == {0}) is warned


def test_a_port_in_use_stops_the_start_before_anything_is_started(project: Project, servers: Servers) -> None:
    taken = servers.redis_url().rpartition(":")[2].partition("/")[0]

    with project.run(SCOREBOARD_FLOWER_PORT=taken) as run:
        assert run.process.wait(30) == 1

    assert f"cannot start: SCOREBOARD_FLOWER_PORT: cannot listen on 127.0.0.1, port {taken}" in run.output
    assert "; type: make run FLOWER_PORT=" in run.output
    assert project.starts() == []
    assert not (project.data / "valkey").exists()


def test_a_migration_that_fails_stops_the_start_and_the_servers(project: Project) -> None:
    (project.root / "scoreboard" / "__main__.py").write_text("raise SystemExit('no such table')")

    with project.run() as run:
        assert run.process.wait(30) == 1

    assert "migrate  | no such table" in run.output
    assert "cannot start: the migration failed" in run.output
    assert project.starts() == []


def test_a_stop_before_anything_is_ready_is_obeyed(project: Project) -> None:
    (project.root / "scoreboard" / "__main__.py").write_text("import time; time.sleep(1000)")

    with project.run() as run:
        run.wait_for("migrating the database")
        everybody = run.family()
        assert run.stop() == 0

    assert not any(is_alive(pid) for pid in everybody)


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def connects(url: str) -> bool:
    try:
        psycopg2.connect(url).close()
    except psycopg2.OperationalError:
        return False
    return True
