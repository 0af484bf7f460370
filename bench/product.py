"""The product as `make run` starts it: its own PostgreSQL and Valkey, its supervisor, its log file."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psutil
from sqlalchemy import Engine, text

from common.core import run_env
from common.core import settings as settings_module
from common.core.settings import Settings
from common.postgres import engine as database
from common.redis_store import client as redis_client
from common.redis_store import keys
from common.redis_store.client import Client
from dev.harness.servers import temporary_root
from dev.harness.stack import ROOT
from dev.harness.waiting import wait_until
from dev.servers import ports

READY_WITHIN_SECONDS = 120.0
EMPTY_WITHIN_SECONDS = 120.0
_STATEMENT_MS = 3_600_000

LIMITS = {
    "SCOREBOARD_UPDATE_LIMIT": "1000000/minute",
    "SCOREBOARD_IP_LIMIT": "100000000/hour",
    "SCOREBOARD_LOGIN_LIMIT": "100000/minute",
    "SCOREBOARD_REGISTER_LIMIT": "100000/minute",
    "SCOREBOARD_BATCH_LIMIT": "1000000/minute",
    "SCOREBOARD_BATCH_UPDATE_LIMIT": "100000000/minute",
    "SCOREBOARD_HANDSHAKE_LIMIT": "1000000/minute",
}
"""The only settings in which a bench differs from `make run`: all requests come from one address."""

_KINDS = {
    "postgres": "postgres",
    "valkey-server": "redis",
    "--queues scoreboard": "worker",
    "--queues chores": "chores",
    "beat": "beat",
    "workers.flower": "flower",
    "gunicorn": "web",
}
"""What a command line contains, and the kind of process that it is. The first that fits counts."""


@dataclass
class Product:
    """A running product. `environment` names its servers, its secrets and its ports."""

    environment: Mapping[str, str]
    process: subprocess.Popen[bytes]

    @property
    def port(self) -> int:
        return int(self.environment["SCOREBOARD_PORT"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def settings(self) -> Settings:
        return settings_module.load(self.environment)

    @cached_property
    def redis(self) -> Client:
        return redis_client.connect(self.settings.redis_url)

    @cached_property
    def engine(self) -> Engine:
        """As the owner of the tables, who may do what the service may not."""
        owner = self.settings.migrate_database_url or self.settings.database_url
        settings = self.settings.model_copy(update={"database_url": owner})
        return database.create(settings, pool_size=1, statement_timeout_ms=_STATEMENT_MS)

    def kinds(self) -> dict[str, psutil.Process]:
        """Return the first process of each kind; `supervisor` is the one that reads the others' output."""
        own = psutil.Process(self.process.pid)
        return {"supervisor": own, **{_kind_of(child): child for child in own.children()}}

    def ledger_rows(self) -> int:
        """Return how many updates PostgreSQL has recorded."""
        with self.engine.connect() as connection:
            return int(connection.execute(text("SELECT count(*) FROM score_events")).scalar_one())

    def wait_until_applied(self) -> None:
        """Wait until the inbox is empty: every accepted update is in PostgreSQL and on the board."""
        wait_until(lambda: self.redis.xlen(keys.INBOX) == 0, EMPTY_WITHIN_SECONDS)


@contextmanager
def running_product(**environment: str) -> Iterator[Product]:
    """Run the product in a folder of its own, on free ports, until the block ends."""
    folder = temporary_root()
    numbers: list[int] = []
    for _ in range(4):
        numbers.append(ports.any_free(numbers))
    names = ("SCOREBOARD_PORT", "SCOREBOARD_METRICS_PORT", "SCOREBOARD_FLOWER_PORT", "SCOREBOARD_WORKER_METRICS_PORT")
    given = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/"),
        "SCOREBOARD_DATA_DIR": str(folder / "data"),
        **{name: str(number) for name, number in zip(names, numbers, strict=True)},
        **LIMITS,
        "SCOREBOARD_LOG_FORMAT": "json",
        **environment,
    }
    command = [sys.executable, "-m", "dev.run", str(os.getpid())]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=given,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        data = folder / "data"
        wait_until(lambda: process.poll() is not None or _is_ready(data), READY_WITHIN_SECONDS)
        if process.poll() is not None:
            raise RuntimeError(f"the product did not start:\n{_log(data)}")
        yield Product({**given, **run_env.read(data)}, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _is_ready(folder: Path) -> bool:
    return "ready after" in _log(folder)


def _log(folder: Path) -> str:
    path = folder / "run.log"
    return path.read_text(errors="replace") if path.exists() else ""


def _kind_of(process: psutil.Process) -> str:
    command = " ".join(process.cmdline())
    return next((kind for part, kind in _KINDS.items() if part in command), process.name())
