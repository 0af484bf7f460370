"""Where the commands find the service: the environment, and what `make run` wrote down for a second terminal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from common import database, redis, run_env, settings
from common.redis import Client
from common.settings import Settings

STATEMENT_TIMEOUT_MS = 600_000
_PLACES = ("DATABASE_URL", "DATABASE_URL_FILE")


def load_settings() -> Settings:
    """The settings of the environment, and of the running `make run` unless the environment names another database."""
    given = {name: text for name, text in os.environ.items() if text}
    written = run_env.read(data_folder())
    is_another = any(name in given and given[name] != written.get(name) for name in _PLACES)
    return settings.load(given if is_another else {**written, **given})


@contextmanager
def connected() -> Iterator[Engine]:
    """An engine for one command."""
    engine = database.create(load_settings(), pool_size=1, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def connected_to_redis() -> Iterator[Client]:
    """A client of Redis for one command."""
    client = redis.connect(load_settings().redis_url)
    try:
        yield client
    finally:
        client.close()


def data_folder() -> Path:
    """Return the folder in which a `make run` of this place keeps its files."""
    return Path(os.environ.get("SCOREBOARD_DATA_DIR") or ".data")
