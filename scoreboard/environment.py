"""How the commands find the service: by the environment, and by the file that `make run` writes for other terminals."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from common.contract.errors import ScoreboardError
from common.core import logging, run_env, settings
from common.core.settings import Settings, SettingsError
from common.postgres import engine as database
from common.postgres.engine import TooSlowError

if TYPE_CHECKING:
    from common.redis_store.client import Client

STATEMENT_TIMEOUT_MS = 600_000
_PLACES = ("DATABASE_URL", "DATABASE_URL_FILE")
_NO_SUCH_TABLE_OR_COLUMN = ("42P01", "42703")
_NOT_PERMITTED = "42501"


class MisconfiguredError(click.ClickException):
    """The settings cannot be used; the message says which, and why."""

    exit_code = 2


def load_settings() -> Settings:
    """Load the settings of the environment, and of a running `make run` unless the environment names a database.

    Raises MisconfiguredError.
    """
    given = {name: text for name, text in os.environ.items() if text}
    try:
        written = run_env.read(data_folder())
    except run_env.RunFileError as error:
        raise MisconfiguredError(str(error)) from None
    is_another = any(name in given and given[name] != written.get(name) for name in _PLACES)
    if not written and not any(name in given for name in _PLACES):
        raise MisconfiguredError(f"DATABASE_URL is not set and no `make run` is running in {Path.cwd()}")
    try:
        return settings.load(given if is_another else {**written, **given})
    except SettingsError as error:
        raise MisconfiguredError(str(error)) from None


@contextmanager
def connected(connections: int = 1) -> Iterator[Engine]:
    """Open an engine for one command, of so many connections at a time.

    An error of the database ends the command with a sentence.
    """
    with _engine(load_settings(), connections=connections) as engine:
        yield engine


@contextmanager
def connected_as_owner(config: Settings, connections: int = 1) -> Iterator[Engine]:
    """Do the same as the owner of the tables, for commands that change the schema."""
    with _engine(config, config.migrate_database_url, connections) as engine:
        yield engine


@contextmanager
def connected_to_redis() -> Iterator["Client"]:
    """Open a client of Redis for one command. A Redis that does not answer ends the command with a sentence."""
    # Redis' client takes a tenth of a second to import, for which commands that need none do not wait.
    from redis import ConnectionError as RedisConnectionError  # noqa: PLC0415
    from redis import RedisError  # noqa: PLC0415
    from redis import TimeoutError as RedisTimeoutError  # noqa: PLC0415

    from common.redis_store import client as redis_client  # noqa: PLC0415

    client = redis_client.connect(load_settings().redis_url)
    try:
        yield client
    except (RedisConnectionError, RedisTimeoutError) as error:
        raise click.ClickException(f"Redis cannot be reached: {error}") from error
    except RedisError as error:
        raise click.ClickException(f"Redis refuses this: {error}") from error
    finally:
        client.close()


@contextmanager
def _engine(config: Settings, url: str | None = None, connections: int = 1) -> Iterator[Engine]:
    logging.configure_quietly()
    engine = database.create(config, pool_size=connections, statement_timeout_ms=STATEMENT_TIMEOUT_MS, url=url)
    try:
        with _told_in_a_sentence():
            yield engine
    finally:
        engine.dispose()


@contextmanager
def _told_in_a_sentence() -> Iterator[None]:
    """Raise click.ClickException for an error that an operator can mend; any other error is ours, with a traceback."""
    try:
        yield
    except ScoreboardError as error:
        raise click.ClickException(error.message) from error
    except TooSlowError as error:
        raise click.ClickException(f"PostgreSQL is too slow: {error}") from error
    except DBAPIError as error:
        raise click.ClickException(_of_postgresql(error)) from error
    except UnicodeError as error:
        raise click.ClickException("an argument is not text in UTF-8") from error


def _of_postgresql(error: DBAPIError) -> str:
    said = " ".join(str(error.orig).split())
    code = getattr(error.orig, "pgcode", None)
    if code is None:
        return f"PostgreSQL cannot be reached: {said}"
    if code in _NO_SUCH_TABLE_OR_COLUMN:
        return f"the database does not have this version's schema: run `scoreboard migrate` ({said})"
    if code == _NOT_PERMITTED:
        return f"the database user may not do that: {said}"
    return f"PostgreSQL refused: {said}"


def data_folder() -> Path:
    """Return the folder in which a `make run` of this place keeps its files."""
    return run_env.running_folder(os.environ, Path())
