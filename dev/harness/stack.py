"""The running product for tests that go through its front door: web, workers and beat as processes of their own."""

import itertools
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import requests

from common.redis_store import client as redis_client
from common.redis_store.client import Client
from dev.harness.servers import Servers
from dev.servers import ports

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN_SECONDS = 60.0
_CELERY = ["-m", "celery", "--quiet", "--app", "workers.app"]
_WORKER = [*_CELERY, "worker", "--without-mingle"]
PROGRAMS = {
    "web": ["-m", "gunicorn", "--config", "web/server/gunicorn_config.py", "web.server.wsgi:app"],
    "worker": [*_WORKER, "--queues", "scoreboard", "--concurrency", "{workers}"],
    "chores": [*_WORKER, "--queues", "chores", "--hostname", "chores@%h", "--concurrency", "1"],
    "beat": [*_CELERY, "beat", "--pidfile=", "--schedule", "{folder}/schedule"],
}


@dataclass(frozen=True)
class Variant:
    """A changed program of the product: other modules in place of ours, and additional environment."""

    replaced: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def of(self, argument: str) -> str:
        """Return the argument with the modules replaced."""
        for module, other in self.replaced.items():
            argument = argument.replace(module, other)
        return argument


@dataclass
class Stack:
    """A Scoreboard on free ports. `environment` is that of its processes, and `variants` has those that are changed."""

    environment: Mapping[str, str]
    folder: Path
    variants: Mapping[str, Variant] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['SCOREBOARD_PORT']}"

    @property
    def live_url(self) -> str:
        return f"ws://127.0.0.1:{self.environment['SCOREBOARD_PORT']}/ws/scoreboard"

    @property
    def metrics_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['SCOREBOARD_METRICS_PORT']}/metrics"

    def redis(self) -> Client:
        return redis_client.connect(self.environment["REDIS_URL"])

    def start(self, name: str, variant: Variant | None = None) -> None:
        """Start one program; its output goes to a file that `log` reads."""
        variant = variant or self.variants.get(name, Variant())
        workers = self.environment.get("SCOREBOARD_WORKER_PROCESSES", "1")
        arguments = [part.format(folder=self.folder, workers=workers) for part in PROGRAMS[name]]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *map(variant.of, arguments)],
                cwd=ROOT,
                env={**self.environment, **variant.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to one program, wait for its end, and return its exit code."""
        process = self.processes.pop(name)
        process.send_signal(number)
        code = process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        return code

    def kill(self) -> None:
        """End all programs and their children at once, since to end in peace takes them seconds."""
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in self.processes.values():
            process.wait()
        self.processes.clear()

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not self._is_ready():
            if time.monotonic() >= deadline:
                raise AssertionError(f"not ready in time:\n{self.log('web')}{self.log('worker')}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).ok
        except requests.RequestException:
            return False


@contextmanager
def running_stack(
    servers: Servers,
    database_url: str,
    redis_database: int,
    variants: Mapping[str, Variant] | None = None,
    /,
    **environment: str,
) -> Iterator[Stack]:
    """Run all programs until the block ends; yield them when they are ready, and kill each with its children."""
    with tempfile.TemporaryDirectory(prefix="scoreboard-stack-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "metrics").mkdir()
        stack = Stack(
            {
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": folder,
                "DATABASE_URL": database_url,
                "REDIS_URL": servers.redis_url(redis_database),
                "SCOREBOARD_JWT_SECRET": secrets.token_urlsafe(32),
                "SCOREBOARD_SECRET_KEY": secrets.token_urlsafe(32),
                "SCOREBOARD_PORT": str(free_port()),
                "SCOREBOARD_METRICS_PORT": str(free_port()),
                "SCOREBOARD_WORKER_METRICS_PORT": str(free_port()),
                "SCOREBOARD_WEB_PROCESSES": "1",
                "SCOREBOARD_UPDATE_LIMIT": "100000/minute",
                "SCOREBOARD_IP_LIMIT": "1000000/hour",
                "SCOREBOARD_LOGIN_LIMIT": "100000/minute",
                "SCOREBOARD_REGISTER_LIMIT": "100000/minute",
                "SCOREBOARD_HANDSHAKE_LIMIT": "100000/minute",
                "PROMETHEUS_MULTIPROC_DIR": f"{folder}/metrics",
                **environment,
            },
            Path(folder),
            variants or {},
        )
        try:
            for name in PROGRAMS:
                stack.start(name)
            stack.wait_until_ready()
            yield stack
        finally:
            stack.kill()


@contextmanager
def another_web(stack: Stack, **environment: str) -> Iterator[Stack]:
    """Run a second web program on the same servers."""
    folder = stack.folder / secrets.token_hex(4)
    (folder / "metrics").mkdir(parents=True)
    own_ports = {"SCOREBOARD_PORT": str(free_port()), "SCOREBOARD_METRICS_PORT": str(free_port())}
    metrics = {"PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics")}
    other = replace(
        stack, environment={**stack.environment, **own_ports, **metrics, **environment}, folder=folder, processes={}
    )
    other.start("web")
    try:
        other.wait_until_ready()
        yield other
    finally:
        other.kill()


def free_port() -> int:
    """Return a port that is free now and that no other test gets meanwhile.

    Each pytest process has a thousand ports of its own and returns them in turn. They differ from those that `make run`
    chooses, and are below the ephemeral ones, which outgoing connections take.
    """
    return next(port for port in _ports if ports.refusal("127.0.0.1", port) is None)


def _ports_of_this_process() -> list[int]:
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 10
    first = 10_000 + 1_000 * process
    return secrets.SystemRandom().sample(range(first, first + 1_000), 1_000)  # another run may be at work here


_ports = itertools.cycle(_ports_of_this_process())
