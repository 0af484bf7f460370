"""`make run`: the whole product on this machine, supervised until Ctrl-C."""

import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from common.core import run_env, secret_files, settings
from common.core.settings import Settings
from dev.run import account, banner, environment, preflight, readiness
from dev.servers import locks, roles
from dev.servers.postgres import Postgres
from dev.servers.server import STARTS_WITHIN_SECONDS, Server
from dev.servers.valkey import Valkey
from dev.supervise import programs
from dev.supervise.output import Output
from dev.supervise.parent_death_signal import end_with_parent
from dev.supervise.processes import Account, StartError
from dev.supervise.programs import Program, Surroundings
from dev.supervise.supervised_process import SupervisedProcess
from dev.supervise.supervisor import StopRequest, StopRequestedError, Supervisor

EARLIER_ENDS_WITHIN_SECONDS = 30.0
LOG_FILE = "run.log"


def main(arguments: list[str]) -> None:
    """Run in the current folder. The argument, if any, is the process id of a parent that we are to end with."""
    shows_all = preflight.shows_all(os.environ, on_terminal=sys.stdout.isatty())
    output = Output(only_warnings=not shows_all)
    request = StopRequest()
    request.listen()
    if arguments:
        end_with_parent(int(arguments[0]))
    try:
        Run(output, request).go()
    except StopRequestedError:
        output.step("stopped")
    except (StartError, settings.SettingsError) as error:
        output.step(f"cannot start: {error}")
        sys.exit(1)
    finally:
        output.close()


class Run:
    """One run of the product, in a new or a used data folder, until it is asked to stop."""

    def __init__(self, output: Output, request: StopRequest) -> None:
        self._output = output
        self._request = request
        self._supervisor = Supervisor(output)
        self._started_at = time.monotonic()
        self._root = Path.cwd()
        self._folder = preflight.data_folder(os.environ, self._root)
        self._account: Account | None = None

    def go(self) -> None:
        """Start everything and supervise it. Raises StopRequestedError when asked to stop."""
        lock = self._lock_folder()
        self._output.keep(self._folder / LOG_FILE)
        env = environment.with_long_names(os.environ)
        env = environment.with_programs(env, self._folder, self._root)
        env = environment.with_secrets(env, self._folder)
        has_demo = preflight.wants_demo(env)
        if has_demo:
            env = environment.for_demo(env)
        config = preflight.check_settings(env)
        preflight.check_ports(config, env)
        preflight.check_redis(config, env)
        self._account = self._choose_account(config, env)
        try:
            servers = self._start_servers(env)
            url = readiness.address(config.host, config.port)
            run_env.write(self._folder, environment.published(env, url))

            def surroundings_of(name: str) -> Surroundings:
                own = environment.of_program(name, env, self._folder, self._account)
                return Surroundings(own, self._root, [lock], self._account)

            self._migrate(surroundings_of("migrate"))
            self._start_programs(surroundings_of, config)
            if has_demo:
                self._start_demo(surroundings_of("demo"), config)
            self._output.banner(banner.rows(config, env, self._folder, [server.name for server in servers]))
            self._turn_until(lambda: False)
        finally:
            self._supervisor.stop()
            run_env.remove(self._folder)

    def _lock_folder(self) -> int:
        """Take the folder's lock, which allows one run. Returns the lock, which the programs inherit."""
        try:
            locks.hold(self._folder / run_env.LOCK_FILE_NAME)
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
                self._request.raise_if_came()
            if not has_told:
                self._output.step("waiting for the processes of an earlier run to end")
                has_told = True
            time.sleep(0.05)
        raise StartError(f"processes of an earlier run still live; `fuser {path}` names them")

    def _choose_account(self, config: Settings, env: Mapping[str, str]) -> Account | None:
        """Decide who the programs run as, and hand over to that account what they read and write."""
        chosen, reason = account.choose(config, env, self._root, self._folder)
        if reason:
            self._output.step(f"warning: everything but PostgreSQL runs as root, because {reason}")
        if preflight.wants_demo(env):
            secret_files.ensure(self._demo_password)
        shutil.rmtree(self._folder / "metrics", ignore_errors=True)
        (self._folder / "metrics").mkdir()
        account.hand_over(chosen, self._folder)
        return chosen

    @property
    def _demo_password(self) -> Path:
        return self._folder / "secrets" / "demo_password"

    def _start_servers(self, env: dict[str, str]) -> list[Server]:
        """Start a server for each URL that is not given, and add its address to `env`."""
        embedded: dict[str, Callable[[], Server]] = {
            "DATABASE_URL": lambda: Postgres(self._folder),
            "REDIS_URL": lambda: Valkey(self._folder, account=self._account),
        }
        for variable in embedded:
            if environment.is_given(env, variable):
                self._output.step(f"using the server of {variable}")
        started = {name: make() for name, make in embedded.items() if not environment.is_given(env, name)}
        if started:
            self._output.step(f"starting {' and '.join(server.name for server in started.values())}")
        supervised = {server: self._supervisor.add(server) for server in started.values()}
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        self._turn_until(lambda: all(_has_come_up(*pair, deadline) for pair in supervised.items()), 0.02)
        env.update({variable: server.url for variable, server in started.items()})
        if "DATABASE_URL" in started:
            roles.separate(env, self._folder)
        return list(supervised)

    def _migrate(self, surroundings: Surroundings) -> None:
        self._output.step("migrating the database")
        command = "python -m scoreboard migrate"
        migration = self._supervisor.add(Program("migrate", command, surroundings), once=True)
        self._turn_until(lambda: migration.deaths > 0, 0.02)
        if migration.exit_code:
            raise StartError("the migration failed")

    def _start_programs(self, surroundings_of: Callable[[str], Surroundings], config: Settings) -> None:
        """Return when `/readyz` says that all is there. While it does not, what is missing is named now and then."""
        found = programs.of_procfile(self._root / "Procfile", surroundings_of)
        self._output.step(f"starting {', '.join(program.name for program in found)}")
        for program in found:
            self._supervisor.add(program)
        watch = readiness.Watch(readiness.address(config.host, config.port), self._output.step, time.monotonic)
        self._turn_until(watch.is_ready)
        self._output.step(f"ready after {time.monotonic() - self._started_at:.1f} s")

    def _start_demo(self, surroundings: Surroundings, config: Settings) -> None:
        self._output.step("starting demo: made-up players who register, log in and move now and then")
        url = readiness.address_for_players(config.host, config.port)
        command = f"python -m scoreboard demo --url {url} --password-file {shlex.quote(str(self._demo_password))}"
        self._supervisor.add(Program("demo", command, surroundings))

    def _turn_until(self, condition: Callable[[], bool], seconds: float = 0.1) -> None:
        while not condition():
            self._request.raise_if_came()
            self._supervisor.turn(seconds)


def _has_come_up(server: Server, supervised: SupervisedProcess, deadline: float) -> bool:
    """Return whether the server accepts connections. Raises StartError if it does not start in time."""
    if supervised.deaths or time.monotonic() > deadline:
        raise StartError(f"{server.name} did not come up: see above, or {server.log_file}")
    return supervised.is_up and server.is_ready()


if __name__ == "__main__":
    main(sys.argv[1:])
