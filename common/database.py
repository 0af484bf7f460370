"""The connection to PostgreSQL."""

from typing import Any

from sqlalchemy import Engine, create_engine, text

from common.settings import Settings

CONNECT_TIMEOUT_SECONDS = 2
"""The least that libpq accepts."""


def create(settings: Settings, *, pool_size: int, statement_timeout_ms: int, url: str | None = None) -> Engine:
    """An engine for one process, with DATABASE_URL or another address. Connects on first use; make it after fork.

    A server that stops answering is noticed by the kernel (`tcp_user_timeout`), a slow statement by the server.
    """
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "tcp_user_timeout": statement_timeout_ms + 1000,
        "application_name": "scoreboard",
        "options": f"-c timezone=UTC -c statement_timeout={statement_timeout_ms}",
    }
    return create_engine(
        url or settings.database_url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=1.0,
        pool_pre_ping=True,
        connect_args=options,
        hide_parameters=True,  # an error's text goes into the log; password hashes and names do not
    )


def ping(engine: Engine) -> None:
    """Raises SQLAlchemyError if PostgreSQL does not answer."""
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
