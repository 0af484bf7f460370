"""`make run`: the real thing on this machine, supervised until Ctrl-C."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from common import settings
from common.settings import Settings
from dev import demo, environment, locks, preflight, programs, readiness, roles
from dev.lives import Life
from dev.output import Output
from dev.postgres import Postgres
from dev.preflight import StartError
from dev.programs import Program, Surroundings
from dev.servers import STARTS_WITHIN_SECONDS, Server, ServerError
from dev.stopping import StopRequest, StopRequestedError, stop_with_parent
from dev.supervisor import Supervisor
from dev.valkey import Valkey

EARLIER_ENDS_WITHIN_SECONDS = 30.0
_EMBEDDED = {"DATABASE_URL": Postgres, "REDIS_URL": Valkey}


def main(arguments: list[str]) -> None:
    """Run in the current folder. The argument, if any, is the process id of a parent that we are to end with."""
    output = Output()
    request = StopRequest()
    request.listen()
    if arguments:
        stop_with_parent(int(arguments[0]))
    try:
        Run(output, request).go()
    except StopRequestedError:
        output.step("stopped")
    except (StartError, ServerError, settings.SettingsError) as error:
        output.step(f"cannot start: {error}")
        sys.exit(1)


class Run:
    """One start, from an empty folder or a warm one, until it is asked to stop."""

    def __init__(self, output: Output, request: StopRequest) -> None:
        self._output = output
        self._request = request
        self._supervisor = Supervisor(output)
        self._started_at = time.monotonic()
        self._root = Path.cwd()
        self._folder = preflight.data_folder(os.environ, self._root)

    def go(self) -> None:
        """Raises StopRequestedError when asked to stop, whatever it was doing."""
        own = self._own_folder()
        env = environment.with_programs(os.environ, self._folder, self._root)
        env = environment.with_secrets(env, self._folder)
        config = preflight.check_settings(env)
        preflight.check_ports(config)
        preflight.check_redis(config, env)
        is_demo = demo.is_wanted(env)
        _empty(self._folder / "metrics")
        try:
            servers = self._start_servers(env)
            shared = environment.publish(env, self._folder)
            surroundings = Surroundings(env, self._root, locks=[own])
            self._migrate(surroundings)
            self._start_programs(surroundings, config)
            if is_demo:
                self._start_demo(surroundings, config)
            self._output.block(_facts(config, env, shared, servers))
            self._turn_until(lambda: False)
        finally:
            self._supervisor.stop()
            environment.withdraw(self._folder)

    def _own_folder(self) -> int:
        """One run a folder. Returns the lock that the programs are to inherit."""
        try:
            locks.hold(self._folder / "run.lock")
        except locks.AlreadyHeldError:
            raise StartError(f"another `make run` uses {self._folder}: stop it, or set SCOREBOARD_DATA_DIR") from None
        return self._outlive_earlier(self._folder / "programs.lock")

    def _outlive_earlier(self, path: Path) -> int:
        """Wait until the programs of a supervisor that was killed have ended too."""
        deadline = time.monotonic() + EARLIER_ENDS_WITHIN_SECONDS
        has_told = False
        while time.monotonic() < deadline:
            try:
                return locks.hold(path)
            except locks.AlreadyHeldError:
                self._request.obey()
            if not has_told:
                self._output.step("waiting for the processes of an earlier run to end")
                has_told = True
            time.sleep(0.05)
        raise StartError(f"processes of an earlier run still live; `fuser {path}` names them")

    def _start_servers(self, env: dict[str, str]) -> list[Server]:
        """Embedded servers for the URLs that are not given, which are added to `env`."""
        wanted = {variable: kind for variable, kind in _EMBEDDED.items() if not environment.is_given(env, variable)}
        for variable in _EMBEDDED:
            if variable not in wanted:
                self._output.step(f"using the server of {variable}")
        started = {variable: kind(self._folder) for variable, kind in wanted.items()}
        if started:
            self._output.step(f"starting {' and '.join(server.name for server in started.values())}")
        lives = {server: self._supervisor.add(server) for server in started.values()}
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        self._turn_until(lambda: all(_has_come_up(*pair, deadline) for pair in lives.items()), 0.02)
        env.update({variable: server.url for variable, server in started.items()})
        if "DATABASE_URL" in started:
            roles.separate(env, self._folder)
        return list(lives)

    def _migrate(self, surroundings: Surroundings) -> None:
        self._output.step("migrating the database")
        command = "python -m scoreboard migrate"
        life = self._supervisor.add(Program("migrate", command, surroundings), once=True)
        self._turn_until(lambda: life.deaths > 0, 0.02)
        if life.exit_code:
            raise StartError("the migration failed")

    def _start_programs(self, surroundings: Surroundings, config: Settings) -> None:
        """Returns when `/readyz` is content. While it is not, what is missing is named now and then."""
        found = programs.of_procfile(self._root / "Procfile", surroundings)
        self._output.step(f"starting {', '.join(program.name for program in found)}")
        for program in found:
            self._supervisor.add(program)
        watch = readiness.Watch(readiness.address(config.host, config.port), self._output.step, time.monotonic)
        self._turn_until(watch.is_ready)
        self._output.step(f"ready after {time.monotonic() - self._started_at:.1f} s")

    def _start_demo(self, surroundings: Surroundings, config: Settings) -> None:
        self._output.step("starting demo: made-up players who register, log in and move now and then")
        self._supervisor.add(demo.program(surroundings, readiness.address(config.host, config.port)))

    def _turn_until(self, condition: Callable[[], bool], seconds: float = 0.1) -> None:
        while not condition():
            self._request.obey()
            self._supervisor.turn(seconds)


def _has_come_up(server: Server, life: Life, deadline: float) -> bool:
    """Raises ServerError if it will not."""
    if life.deaths or time.monotonic() > deadline:
        raise ServerError(f"{server.name} did not come up: see above, or {server.log_file}")
    return life.is_up and server.is_ready()


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def _facts(config: Settings, env: Mapping[str, str], shared: Path, servers: list[Server]) -> list[tuple[str, str]]:
    password = env.get("SCOREBOARD_FLOWER_PASSWORD_FILE") or "SCOREBOARD_FLOWER_PASSWORD"
    return [
        ("Scoreboard", readiness.address(config.host, config.port)),
        ("Flower", readiness.address(config.flower_host, config.flower_port)),
        ("", f"user admin, password in {password}"),
        ("Metrics", f"{readiness.address(config.metrics_host, config.metrics_port)}/metrics"),
        ("Servers", ", ".join(server.name for server in servers) or "your own"),
        ("", f"their addresses are in {shared}"),
        ("An admin", ".venv/bin/scoreboard users create NAME --role admin"),
        ("Stop", "Ctrl-C"),
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
