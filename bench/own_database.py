"""A database of a measurement that starts no program of ours: the settings to reach it with, and an engine."""

import secrets
from collections.abc import Mapping

from sqlalchemy import Engine

from common.core import settings
from common.postgres import engine as database
from dev.harness.servers import Servers

_LONGEST_STATEMENT_MS = 3_600_000
"""Filling a database takes minutes."""


def environment_of(servers: Servers) -> dict[str, str]:
    """Return the environment in which a program finds a new, migrated database of these servers."""
    return {
        "PATH": "/usr/bin:/bin",
        "DATABASE_URL": servers.migrated_database(),
        "REDIS_URL": servers.redis_url(),
        "SCOREBOARD_JWT_SECRET": secrets.token_urlsafe(32),
        "SCOREBOARD_SECRET_KEY": secrets.token_urlsafe(32),
    }


def engine_of(environment: Mapping[str, str]) -> Engine:
    """Return an engine for such a database."""
    return database.create(settings.load(environment), pool_size=2, statement_timeout_ms=_LONGEST_STATEMENT_MS)
