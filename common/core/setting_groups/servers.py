"""Where PostgreSQL and Redis are, and how they are spoken to."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field

from common.core import redis_address

_REDIS = (
    "Redis or Valkey: inbox, board and caches. `redis://`, `rediss://` (TLS) or `unix://`, see "
    "[operations](operations.md#redis-by-tls-and-by-unix-socket)."
)


def _postgresql(url: str) -> str:
    """Return the URL with its driver named, because SQLAlchemy 2.1 reads a bare `postgresql://` as psycopg 3."""
    scheme, separator, rest = url.partition("://")
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg2") or not separator:
        raise ValueError("must start with postgresql://")
    if not _is_unambiguous(url):
        raise ValueError(redis_address.UNREADABLE)
    return f"postgresql+psycopg2://{rest}"


def _is_unambiguous(url: str) -> bool:
    """Return whether the URL parses in one way only: `@ / ? # [` in a user name or password would split it."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError for what is no number
    except ValueError:
        return False
    behind_the_host = url.partition("://")[2].removeprefix(parts.netloc)
    return parts.netloc.count("@") <= 1 and not (parts.netloc and "@" in behind_the_host)


def _redis(url: str) -> str:
    address = redis_address.parse(url)
    for name in address.tls_files:
        try:
            _load_tls_file(name, address.tls_files)
        except OSError:  # ssl.SSLError is one
            raise ValueError(f"{name} must be the path of a PEM file that this process may read") from None
    return url


def _load_tls_file(name: str, files: Mapping[str, str]) -> None:
    """Raise OSError for a file with which every connection would fail."""
    context = ssl.create_default_context()
    if name == "ssl_ca_certs":
        context.load_verify_locations(cafile=files[name])
    elif name == "ssl_certfile":
        context.load_cert_chain(files[name], files.get("ssl_keyfile"))
    else:
        Path(files[name]).read_bytes()


PostgresUrl = Annotated[str, AfterValidator(_postgresql)]
RedisUrl = Annotated[str, AfterValidator(_redis)]


class Servers(BaseModel):
    """The servers and the ways to them."""

    database_url: PostgresUrl = Field(alias="DATABASE_URL", repr=False, description="PostgreSQL: the truth.")
    migrate_database_url: PostgresUrl | None = Field(
        None,
        alias="SCOREBOARD_MIGRATE_DATABASE_URL",
        repr=False,
        description="The same database as the owner of its tables, for `scoreboard migrate` alone: that then gives the "
        "role of DATABASE_URL what it needs, and makes it if it is missing. Default: DATABASE_URL.",
    )
    redis_url: RedisUrl = Field(alias="REDIS_URL", repr=False, description=_REDIS)
    broker_url: RedisUrl | None = Field(
        None, alias="BROKER_URL", repr=False, description="Celery's broker. Default: REDIS_URL."
    )
    limiter_url: RedisUrl | None = Field(
        None, alias="LIMITER_URL", repr=False, description="Where rate limits are counted. Default: REDIS_URL."
    )
    redis_connection: Literal["pipelined", "pooled"] = Field(
        "pipelined",
        alias="SCOREBOARD_REDIS_CONNECTION",
        description="`pipelined`: all requests of a web process share one connection to Redis. `pooled`: each command "
        "takes one of up to 64.",
    )
    lane: Literal["on", "off"] = Field(
        "on",
        alias="SCOREBOARD_LANE",
        description="`on`: plain score updates and reads of boards are answered ahead of Flask. `off`: by its views.",
    )

    @property
    def broker_redis_url(self) -> str:
        """The broker's URL for our own Redis client."""
        return self.broker_url or self.redis_url

    @property
    def celery_broker_url(self) -> str:
        """The broker's URL for Celery."""
        return redis_address.parse(self.broker_redis_url).for_celery()

    @property
    def broker_tls(self) -> dict[str, str] | None:
        """The TLS options that Flower needs in addition to the URL; None without TLS."""
        address = redis_address.parse(self.broker_redis_url)
        return {"ssl_cert_reqs": "required", **address.tls_files} if address.scheme == "rediss" else None

    @property
    def rate_limit_url(self) -> str:
        return self.limiter_url or self.redis_url
