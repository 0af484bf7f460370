"""`make run`: the real thing on this machine, supervised until Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

from honcho.environ import parse_procfile

from common import settings
from common.settings import Settings
from dev import environment, locks, ports
from dev.output import Output
from dev.postgres import Postgres
from dev.servers import Server, ServerError
from dev.supervisor import Program, Supervisor
from dev.valkey import Valkey

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_SECONDS = 60.0


class StartError(Exception):
    """The start cannot go on; the text says why."""


class StopRequestedError(Exception):
    """Ctrl-C or SIGTERM."""


def main() -> None:
    output = Output()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _request_stop)
    try:
        _run(output)
    except StopRequestedError:
        output.step("stopped")
    except (StartError, ServerError, settings.SettingsError) as error:
        output.step(f"cannot start: {error}")
        sys.exit(1)


def _run(output: Output) -> None:
    folder = _data_folder()
    try:
        locks.hold(folder / "run.lock")
    except locks.AlreadyHeldError:
        raise StartError(f"another `make run` uses {folder}") from None
    env = environment.with_programs(environment.with_secrets(os.environ, folder), folder)
    config = _settings(env)
    _check_ports(config)
    servers: list[Server] = []
    programs: list[Program] = []
    supervisor = Supervisor(servers, programs, output)
    try:
        _start_servers(env, folder, servers, output)
        shared = environment.publish(env, folder)
        _migrate(env, output)
        programs.extend(_programs(env))
        supervisor = Supervisor(servers, programs, output)
        _wait_until_ready(supervisor, config, output)
        _welcome(config, env, shared, servers, output)
        while True:
            supervisor.turn(0.1)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        supervisor.stop()


def _request_stop(_number: int, _frame: FrameType | None) -> None:
    raise StopRequestedError


def _data_folder() -> Path:
    folder = Path(os.environ.get("SCOREBOARD_DATA_DIR") or ROOT / ".data").resolve()
    folder.mkdir(mode=0o755 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise StartError(f"{folder} belongs to another user")
    return folder


def _settings(env: dict[str, str]) -> Settings:
    """All settings checked before anything starts; the URLs of embedded servers are not known yet."""
    placeholders = {"DATABASE_URL": "postgresql://127.0.0.1/later", "REDIS_URL": "redis://127.0.0.1/0"}
    return settings.load({**placeholders, **{name: value for name, value in env.items() if value}})


def _check_ports(config: Settings) -> None:
    wanted = {
        "SCOREBOARD_PORT": (config.host, config.port),
        "SCOREBOARD_METRICS_PORT": (config.metrics_host, config.metrics_port),
        "SCOREBOARD_FLOWER_PORT": (config.flower_host, config.flower_port),
    }
    for name, (host, port) in wanted.items():
        if not ports.is_free(host, port):
            raise StartError(f"{name}: port {port} is in use on {host}")


def _start_servers(env: dict[str, str], folder: Path, servers: list[Server], output: Output) -> None:
    """Embedded servers for the URLs that are not given."""
    for variable, kind in (("DATABASE_URL", Postgres), ("REDIS_URL", Valkey)):
        if env.get(variable) or env.get(f"{variable}_FILE"):
            output.step(f"using the server of {variable}")
            continue
        server = kind(folder)
        output.step(f"starting {server.name}")
        servers.append(server)
        server.start()
        env[variable] = server.url


def _migrate(env: dict[str, str], output: Output) -> None:
    output.step("migrating the database")
    command = [sys.executable, "-m", "scoreboard", "migrate"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    for line in (done.stdout + done.stderr).splitlines():
        output.line("migrate", line)
    if done.returncode:
        raise StartError("the migration failed")


def _programs(env: dict[str, str]) -> list[Program]:
    procfile = parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8"))
    return [Program(name, command, env, ROOT) for name, command in procfile.processes.items()]


def _wait_until_ready(supervisor: Supervisor, config: Settings, output: Output) -> None:
    """Until /readyz answers 200. While it does not, what is missing is named now and then."""
    started, told_at = time.monotonic(), time.monotonic()
    while missing := _what_is_missing(config):
        supervisor.turn(0.1)
        if time.monotonic() - told_at > 5:  # noqa: PLR2004 - often enough to see that it lives
            told_at = time.monotonic()
            output.step(f"waiting for: {missing}")
        if time.monotonic() - started > READY_WITHIN_SECONDS:
            raise StartError(f"not ready in time: {missing}")


def _what_is_missing(config: Settings) -> str:
    """Empty when everything is there."""
    try:
        with urllib.request.urlopen(f"{_address(config)}/readyz", timeout=1):  # noqa: S310 - our own http address
            return ""
    except urllib.error.HTTPError as answer:
        try:
            return str(json.load(answer)["error"]["message"])
        except (ValueError, KeyError, OSError):
            return f"an answer other than {answer.code}"
    except OSError:
        return "the web server"


def _address(config: Settings) -> str:
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::", "") else config.host  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{config.port}" if ":" in host else f"http://{host}:{config.port}"


def _welcome(config: Settings, env: dict[str, str], shared: Path, servers: list[Server], output: Output) -> None:
    password = env.get("SCOREBOARD_FLOWER_PASSWORD_FILE", "SCOREBOARD_FLOWER_PASSWORD")
    rows = [
        ("Scoreboard", _address(config)),
        ("Flower", f"http://{config.flower_host}:{config.flower_port}   user admin, password in {password}"),
        ("Metrics", f"http://{config.metrics_host}:{config.metrics_port}/metrics"),
        ("Servers", ", ".join(server.name for server in servers) or "your own"),
        ("Addresses", f"in {shared}; the scoreboard command reads them there"),
        ("An admin", "scoreboard users create NAME --role admin   (in .venv/bin)"),
        ("Stop", "Ctrl-C"),
    ]
    output.block(rows)


if __name__ == "__main__":
    main()
