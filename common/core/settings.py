"""Every setting of the service, read once from the environment into one frozen object."""

import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from limits import parse_many as parse_limits
from pydantic import AfterValidator, Field, SecretBytes, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from common.core import redis_address

LARGEST_BATCH = 1000
"""The greatest number of updates in one request of a game server."""

SECRETS = (
    "DATABASE_URL",
    "SCOREBOARD_MIGRATE_DATABASE_URL",
    "REDIS_URL",
    "BROKER_URL",
    "LIMITER_URL",
    "SCOREBOARD_JWT_SECRET",
    "SCOREBOARD_JWT_SECRET_PREVIOUS",
    "SCOREBOARD_SECRET_KEY",
    "SCOREBOARD_SECRET_KEY_PREVIOUS",
    "SCOREBOARD_FLOWER_PASSWORD",
)
_SHORTEST_SECRET = 32
_FEWEST_BYTES = 8
"""The least number of different bytes in a secret: 32 random hexadecimal digits have fewer once in ten million."""

_PLACEHOLDER = re.compile(rb"(change|replace).{0,3}(me|this)|your.{0,3}(secret|key)|placeholder", re.IGNORECASE)
"""The texts that examples contain in the place of a secret."""

_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII)
"""RFC 6454 section 6.2, as browsers send it."""

_REDIS = (
    "Redis or Valkey: inbox, board and caches. `redis://`, `rediss://` (TLS) or `unix://`, see "
    "[operations](operations.md#redis-by-tls-and-by-unix-socket)."
)


_HOST = re.compile(r"[a-z0-9.-]+|\[[0-9a-f:.]+\]", re.ASCII)


_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+", re.ASCII)


_COLOUR = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
_LONGEST_TITLE = 60


class SettingsError(Exception):
    """A setting is missing or invalid; the message names each one."""


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


def _rate_limit(text: str) -> str:
    if any(limit.amount < 1 for limit in parse_limits(text)):
        raise ValueError("must allow at least one")
    return text


def _random_enough(secret: SecretBytes) -> SecretBytes:
    value = secret.get_secret_value()
    if len(value) < _SHORTEST_SECRET:
        raise ValueError(f"must be at least {_SHORTEST_SECRET} bytes of randomness")
    if not value.strip() or _PLACEHOLDER.search(value):
        raise ValueError("is a placeholder: take 32 or more random bytes")
    if len(set(value)) < _FEWEST_BYTES:
        raise ValueError("repeats itself: take 32 or more random bytes")
    return secret


def _origins(text: str) -> str:
    for origin in _listed(text):
        if not _ORIGIN.fullmatch(origin):
            raise ValueError("must be origins such as https://game.example, in lower case, without a path")
    return text


def _hosts(text: str) -> str:
    for host in _listed(text):
        if not _HOST.fullmatch(host):
            raise ValueError("must be host names such as scores.example, in lower case, without a port")
    return text


def _enough_for_a_batch(text: str) -> str:
    if any(limit.amount < LARGEST_BATCH for limit in parse_limits(text)):
        raise ValueError(f"must allow at least {LARGEST_BATCH}, which one batch may hold")
    return text


def _root_path(text: str) -> str:
    if text and not _ROOT_PATH.fullmatch(text):
        raise ValueError("must be a path such as /board: it begins with a slash and does not end with one")
    return text


def _title(text: str) -> str:
    if not text.isprintable() or len(text) > _LONGEST_TITLE:
        raise ValueError(f"must have at most {_LONGEST_TITLE} characters, and none that controls anything")
    return text


def _colour(text: str) -> str:
    if not _COLOUR.fullmatch(text):
        raise ValueError("must be a colour such as #8a1c5a")
    return text


def _listed(text: str) -> list[str]:
    return text.replace(",", " ").split()


PostgresUrl = Annotated[str, AfterValidator(_postgresql)]
RedisUrl = Annotated[str, AfterValidator(_redis)]
RateLimit = Annotated[str, AfterValidator(_rate_limit)]
Secret = Annotated[SecretBytes, AfterValidator(_random_enough)]
BatchUpdateLimit = Annotated[RateLimit, AfterValidator(_enough_for_a_batch)]
Hosts = Annotated[str, AfterValidator(_hosts)]
Origins = Annotated[str, AfterValidator(_origins)]
RootPath = Annotated[str, AfterValidator(_root_path)]
Title = Annotated[str, AfterValidator(_title)]
Accent = Annotated[str, AfterValidator(_colour)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseSettings):
    """The settings. A field's alias is its environment variable; its description is its documentation."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

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
    jwt_secret: Secret = Field(alias="SCOREBOARD_JWT_SECRET", description="Signs access tokens (HS256).")
    jwt_secret_previous: Secret | None = Field(
        None, alias="SCOREBOARD_JWT_SECRET_PREVIOUS", description="Still accepted while the secret is rotated."
    )
    secret_key: Secret = Field(
        alias="SCOREBOARD_SECRET_KEY",
        description="Derives signing keys, refresh tokens and the secrets of API keys, and signs cursors.",
    )
    secret_key_previous: Secret | None = Field(
        None, alias="SCOREBOARD_SECRET_KEY_PREVIOUS", description="Still accepted while the secret is rotated."
    )
    flower_password: SecretStr | None = Field(
        None,
        alias="SCOREBOARD_FLOWER_PASSWORD",
        description="Flower's password, of 12 characters or more; its user is `admin`.",
    )

    host: str = Field("127.0.0.1", alias="SCOREBOARD_HOST", description="Address the web server listens on.")
    port: Port = Field(8000, alias="SCOREBOARD_PORT", description="Port of the API, the page and the live socket.")
    metrics_port: Port = Field(9100, alias="SCOREBOARD_METRICS_PORT", description="Internal port of /metrics.")
    worker_metrics_port: Port | None = Field(
        None,
        alias="SCOREBOARD_WORKER_METRICS_PORT",
        description="A worker's own /metrics, where it shares no PROMETHEUS_MULTIPROC_DIR with a web process.",
    )
    metrics_host: str = Field("127.0.0.1", alias="SCOREBOARD_METRICS_HOST", description="Address of /metrics.")
    flower_port: Port = Field(5555, alias="SCOREBOARD_FLOWER_PORT", description="Flower's port.")
    flower_host: str = Field("127.0.0.1", alias="SCOREBOARD_FLOWER_HOST", description="Flower's address.")
    web_processes: int = Field(2, ge=1, le=256, alias="SCOREBOARD_WEB_PROCESSES", description="Web processes.")
    worker_processes: int = Field(
        1, ge=1, le=256, alias="SCOREBOARD_WORKER_PROCESSES", description="Processes of one Celery worker."
    )
    trusted_proxies: int = Field(
        0, ge=0, le=10, alias="SCOREBOARD_TRUSTED_PROXIES", description="How many proxies' X-Forwarded-For to believe."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto",
        alias="SCOREBOARD_LOG_FORMAT",
        description="`json`, or `console` for people; `auto`: `console` on a terminal, `json` elsewhere.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", alias="SCOREBOARD_LOG_LEVEL", description="Least severity that is logged."
    )

    registration: Literal["open", "closed"] = Field(
        "open", alias="SCOREBOARD_REGISTRATION", description="`closed`: only `scoreboard users create` makes users."
    )
    visibility_default: Literal["named", "anonymous", "unlisted"] = Field(
        "named",
        alias="SCOREBOARD_VISIBILITY_DEFAULT",
        description="How new players stand on boards until they choose: `named`, `anonymous` or `unlisted`.",
    )
    update_limit: RateLimit = Field(
        "10/minute", alias="SCOREBOARD_UPDATE_LIMIT", description="Score updates per user, a moving window."
    )
    ip_limit: RateLimit = Field("100/hour", alias="SCOREBOARD_IP_LIMIT", description="API requests per client address.")
    admin_limit: RateLimit = Field(
        "3600/hour",
        alias="SCOREBOARD_ADMIN_LIMIT",
        description="API requests of one admin, who does not count against the address.",
    )
    login_limit: RateLimit = Field("10/minute", alias="SCOREBOARD_LOGIN_LIMIT", description="Logins per address.")
    login_failure_limit: RateLimit = Field(
        "10/15minute",
        alias="SCOREBOARD_LOGIN_FAILURE_LIMIT",
        description="Failed logins of one account from one address.",
    )
    network_failure_limit: RateLimit = Field(
        "100/15minute",
        alias="SCOREBOARD_NETWORK_FAILURE_LIMIT",
        description="Failed logins from one address, of accounts that it never logged in; an IPv6 /56 has four times "
        "as many, a /48 sixteen times.",
    )
    account_failure_limit: RateLimit = Field(
        "100/hour",
        alias="SCOREBOARD_ACCOUNT_FAILURE_LIMIT",
        description="Failed logins of one account from addresses that never logged it in, before each of them has one "
        "in 15 minutes.",
    )
    register_limit: RateLimit | None = Field(
        None, alias="SCOREBOARD_REGISTER_LIMIT", description="Registrations per address. Default: SCOREBOARD_IP_LIMIT."
    )
    handshake_limit: RateLimit = Field(
        "20000/minute", alias="SCOREBOARD_HANDSHAKE_LIMIT", description="Live connections begun per address."
    )
    api_key_failure_limit: RateLimit = Field(
        "120/minute",
        alias="SCOREBOARD_API_KEY_FAILURE_LIMIT",
        description="From one address: bad signatures of one API key, and keys that nobody has.",
    )
    batch_update_limit: BatchUpdateLimit = Field(
        "300000/minute", alias="SCOREBOARD_BATCH_UPDATE_LIMIT", description="Score updates with one API key."
    )
    batch_limit: RateLimit = Field(
        "600/minute", alias="SCOREBOARD_BATCH_LIMIT", description="Requests with one API key."
    )

    result_wait_ms: int = Field(
        1000, ge=0, le=10_000, alias="SCOREBOARD_RESULT_WAIT_MS", description="How long an update waits for a 200."
    )
    receipt_ttl: int = Field(
        3600, ge=1, alias="SCOREBOARD_RECEIPT_TTL", description="Seconds for which Redis itself answers a replay."
    )
    inbox_max: int = Field(
        1_000_000, ge=1, alias="SCOREBOARD_INBOX_MAX", description="Accepted, unapplied updates before a 503."
    )
    snapshot_minutes: int = Field(
        5, ge=1, le=1440, alias="SCOREBOARD_SNAPSHOT_MINUTES", description="Minutes between stored snapshots."
    )
    snapshot_keep_days: int = Field(
        30, ge=1, alias="SCOREBOARD_SNAPSHOT_KEEP_DAYS", description="Days for which snapshots are kept."
    )

    live_auth: Literal["public", "required"] = Field(
        "public", alias="SCOREBOARD_LIVE_AUTH", description="`required`: the live socket takes a ticket."
    )
    live_per_ip: int = Field(
        20, ge=1, alias="SCOREBOARD_LIVE_PER_IP", description="Live connections per address and process."
    )
    live_max: int = Field(10_000, ge=1, alias="SCOREBOARD_LIVE_MAX", description="Live connections per process.")
    live_groups: int = Field(
        1000,
        ge=1,
        alias="SCOREBOARD_LIVE_GROUPS",
        description="Different lists (board, period and limit) that viewers of a process may watch at a time.",
    )
    root_path: RootPath = Field(
        "",
        alias="SCOREBOARD_ROOT_PATH",
        description="The path below which a proxy shows the service, such as `/board`. Empty: the root of its host.",
    )
    allowed_origins: Origins = Field(
        "",
        alias="SCOREBOARD_ALLOWED_ORIGINS",
        description="Further origins, separated by spaces or commas, whose pages may call the API and open the live "
        "socket: `https://game.example https://www.game.example`.",
    )
    title: Title = Field("Scoreboard", alias="SCOREBOARD_TITLE", description="What the pages call the service.")
    logo: Path | None = Field(
        None, alias="SCOREBOARD_LOGO", description="A picture for the pages: a file in SVG or PNG of at most 256 KiB."
    )
    accent: Accent | None = Field(
        None, alias="SCOREBOARD_ACCENT", description="The colour of links and buttons on the pages: `#8a1c5a`."
    )
    play: Literal["on", "off"] = Field(
        "on", alias="SCOREBOARD_PLAY", description="`off`: the pages only show, without a form and buttons."
    )
    catalogue: Path | None = Field(
        None,
        alias="SCOREBOARD_CATALOGUE",
        description="A file of boards and actions, which `scoreboard migrate` applies: `/etc/catalogue.toml`.",
    )
    max_boards: int = Field(
        1000, ge=1, le=100_000, alias="SCOREBOARD_MAX_BOARDS", description="Boards, archived ones too."
    )
    allowed_hosts: Hosts = Field(
        "",
        alias="SCOREBOARD_ALLOWED_HOSTS",
        description="Host names that requests may be addressed to, with spaces or commas between them. Default: any.",
    )

    @model_validator(mode="after")
    def _secrets_differ(self) -> Self:
        of_tokens, of_the_rest = set(self.jwt_secrets), set(self.secret_keys)
        if of_tokens & of_the_rest:
            raise ValueError(
                "SCOREBOARD_JWT_SECRET and SCOREBOARD_SECRET_KEY, and their PREVIOUS ones "
                "(SCOREBOARD_SECRET_KEY_PREVIOUS), must not be the same secret"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only the values that `load` passes: the environment is read in one place."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

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
    def registration_limit(self) -> str:
        """How many registrations an address may make."""
        return self.register_limit or self.ip_limit

    @property
    def rate_limit_url(self) -> str:
        return self.limiter_url or self.redis_url

    @property
    def jwt_secrets(self) -> tuple[bytes, ...]:
        """The secret that signs, followed by one that is still accepted, if any."""
        secrets = (self.jwt_secret, self.jwt_secret_previous)
        return tuple(secret.get_secret_value() for secret in secrets if secret)

    @property
    def secret_keys(self) -> tuple[bytes, ...]:
        """The secret that new keys are derived from, followed by one whose derived keys are still accepted, if any."""
        secrets = (self.secret_key, self.secret_key_previous)
        return tuple(secret.get_secret_value() for secret in secrets if secret)

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset(_listed(self.allowed_hosts))

    @property
    def further_origins(self) -> frozenset[str]:
        return frozenset(_listed(self.allowed_origins))


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from the environment. Raises SettingsError, which names every bad or missing variable."""
    values = {name: text for name, text in environ.items() if text}
    for name in SECRETS:
        if name not in values and (path := values.get(f"{name}_FILE")):
            values[name] = _read_secret(f"{name}_FILE", path)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = [
            f"{_variable(problem['loc'])}: {problem['msg'].removeprefix('Value error, ')}" for problem in error.errors()
        ]
        raise SettingsError("; ".join(problems)) from None


def _read_secret(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{variable}: {path} cannot be read") from error


def _variable(location: tuple[int | str, ...]) -> str:
    return str(location[0]) if location else "settings"
