"""Connections to PostgreSQL, with their timeouts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError

from common.core import deadlines
from common.core.settings import Settings

CONNECT_TIMEOUT_SECONDS = 2
"""The smallest timeout that libpq accepts."""

_QUERY_CANCELED = "57014"
_BOUND = text("SELECT set_config('statement_timeout', :ms, true)")


class TooSlowError(Exception):
    """A statement took longer than it was allowed to; its transaction was rolled back."""


IDLE_IN_TRANSACTION_MS = 60_000
"""The default, for commands; the programs that serve allow less."""


def create(
    settings: Settings,
    *,
    pool_size: int,
    statement_timeout_ms: int,
    lock_timeout_ms: int = 0,
    idle_in_transaction_ms: int = IDLE_IN_TRANSACTION_MS,
    url: str | None = None,
    transactions: bool = True,
    in_parallel: bool = False,
) -> Engine:
    """Create an engine for one process, with DATABASE_URL or another address. It connects on first use, after the fork.

    A server that stops answering is noticed by the kernel (`tcp_user_timeout`), a slow statement by the server
    (`statement_timeout_ms`), and so is a wait for somebody else's lock (`lock_timeout_ms`; 0: as long as the
    statement may take). A process of ours that is frozen within a transaction has it ended by the server after
    `idle_in_transaction_ms`, so that nobody waits for its locks for ever.

    A statement keeps to one processor of the server, so that no work in the background takes what updates need, unless
    it may run `in_parallel`, as the web reads a whole board. Nothing is compiled before it is run (`jit`), which can
    take longer than running it, and batches may be waiting for it.

    Without `transactions` the caller begins and commits by statements of its own, and a connection that was cut off is
    noticed by the first of them: it is not pinged before.
    """
    session = {
        "timezone": "UTC",
        "statement_timeout": statement_timeout_ms,
        "lock_timeout": lock_timeout_ms,
        "idle_in_transaction_session_timeout": idle_in_transaction_ms,
        "jit": "off",
        **({} if in_parallel else {"max_parallel_workers_per_gather": 0}),
    }
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "tcp_user_timeout": statement_timeout_ms + 1000,
        "application_name": "scoreboard",
        "options": " ".join(f"-c {name}={value}" for name, value in session.items()),
    }
    engine = create_engine(
        url or settings.database_url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=1.0,
        pool_pre_ping=transactions,
        isolation_level=None if transactions else "AUTOCOMMIT",
        connect_args=options,
        hide_parameters=True,  # an error's text goes into the log; password hashes and names do not
    )
    event.listen(engine, "commit", _note_commit)
    return engine


def _note_commit(connection: Connection) -> None:
    """SQLAlchemy calls it just before it sends a COMMIT."""
    del connection
    deadlines.commit_sent()


def ping(engine: Engine) -> None:
    """Check that PostgreSQL answers. Raises SQLAlchemyError if it does not."""
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def was_too_slow(error: OperationalError) -> bool:
    """Whether PostgreSQL has ended a statement because it took longer than it was allowed to."""
    return getattr(error.orig, "pgcode", None) == _QUERY_CANCELED


@contextmanager
def bounded_transaction(engine: Engine, timeout_ms: int, isolation: str = "READ COMMITTED") -> Iterator[Connection]:
    """Open a transaction whose every statement may take at most `timeout_ms`. Raises TooSlowError beyond that."""
    try:
        with engine.connect().execution_options(isolation_level=isolation) as connection, connection.begin():
            connection.execute(_BOUND, {"ms": str(timeout_ms)})
            yield connection
    except OperationalError as error:
        if was_too_slow(error):
            raise TooSlowError(f"a statement took more than {timeout_ms} ms") from error
        raise
