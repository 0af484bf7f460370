"""The connection to PostgreSQL."""

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text

from common import failures
from common.settings import Settings

CONNECT_TIMEOUT_SECONDS = 2
"""The least that libpq accepts."""


def create(settings: Settings, *, pool_size: int, statement_timeout_ms: int) -> Engine:
    """An engine for one process. Connects on first use; make it after fork.

    A server that stops answering is noticed by the kernel (`tcp_user_timeout`), a slow statement by the server.
    """
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "tcp_user_timeout": statement_timeout_ms + 1000,
        "application_name": "scoreboard",
        "options": f"-c timezone=UTC -c statement_timeout={statement_timeout_ms}",
    }
    engine = create_engine(
        settings.database_url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=1.0,
        pool_pre_ping=True,
        connect_args=options,
        hide_parameters=True,  # an error's text goes into the log; password hashes and names do not
    )
    event.listen(engine, "commit", _note_commit)
    return engine


def _note_commit(connection: Connection) -> None:
    """SQLAlchemy calls it just before it sends a COMMIT."""
    del connection
    failures.commit_sent()


def ping(engine: Engine) -> None:
    """Raises SQLAlchemyError if PostgreSQL does not answer."""
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
