"""The address of a Redis server, parsed from a URL and written for each library that connects to it. Pure.

| URL | what |
|---|---|
| `redis://:password@host:6379/0` | TCP, in the clear |
| `rediss://:password@host:6379/0?ssl_ca_certs=/path/ca.pem` | TLS; certificate and host name are always verified |
| `unix:///path/valkey.sock?db=0`, `unix://:password@/path/valkey.sock` | a Unix socket |

Without `ssl_ca_certs` the certification authorities of the system are trusted. A server that asks its clients for a
certificate gets that of `ssl_certfile` and `ssl_keyfile`. User name, password and path are percent-encoded.

No message of this module repeats a part of the URL: it may be a piece of the password.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

Scheme = Literal["redis", "rediss", "unix"]

TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_ALWAYS_SO = {"ssl_cert_reqs": {"required", "cert_required"}, "ssl_check_hostname": {"true"}}
"""Parameters that examples for Celery and redis-py use, with the values that always apply here."""

_DEFAULT_PORT = 6379
_LONGEST_SOCKET_PATH = 107
"""The limit of `sun_path` in Linux, in bytes."""

UNREADABLE = (
    "cannot be read as a URL: every special character of user name, password and path must be percent-encoded "
    "(@ is %40, / is %2F, # is %23, : is %3A, ? is %3F)"
)
"""This text also fits other servers' URLs. The parsers' own messages would repeat a part of the URL."""


@dataclass(frozen=True)
class RedisAddress:
    """A server and one of its numbered databases. `tls_files` are the paths of the URL's parameters, by name."""

    scheme: Scheme
    host: str = "localhost"
    port: int = _DEFAULT_PORT
    socket_path: str = ""
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls_files: Mapping[str, str] = field(default_factory=dict)

    def for_celery(self) -> str:
        """Return the URL for kombu, which writes sockets in its own way and verifies certificates only on request."""
        user = quote(self.username or "", safe="")
        credentials = f"{user}:{quote(self.password, safe='')}@" if self.password else f"{user}@" if user else ""
        if self.scheme == "unix":
            return f"redis+socket://{credentials}{quote(self.socket_path)}?virtual_host={self.database}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        url = f"{self.scheme}://{credentials}{host}:{self.port}/{self.database}"
        if self.scheme == "redis":
            return url
        return f"{url}?{urlencode({'ssl_cert_reqs': 'required', **self.tls_files})}"


def parse(url: str) -> RedisAddress:
    """Parse a URL. Raises ValueError, whose message says what is wrong and quotes nothing of the URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
        parameters = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise ValueError(UNREADABLE) from None
    if parts.scheme not in ("redis", "rediss", "unix") or "://" not in url:
        raise ValueError("must start with redis://, rediss:// (TLS) or unix:// (a socket)")
    if parts.fragment or "#" in url or parts.netloc.count("@") > 1:
        raise ValueError(UNREADABLE)
    scheme = cast(Scheme, parts.scheme)
    _refuse_unknown(scheme, parameters)
    database = parameters.pop("db", "0" if scheme == "unix" else parts.path.strip("/") or "0")
    if not (database.isascii() and database.isdigit()):
        raise ValueError(f"must end with the number of a database, or {UNREADABLE}")
    return RedisAddress(
        scheme=scheme,
        host=parts.hostname or "localhost",
        port=_DEFAULT_PORT if port is None else port,
        socket_path=_socket_path(parts) if scheme == "unix" else "",
        database=int(database),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls_files={name: parameters[name] for name in TLS_FILES if name in parameters},
    )


def _refuse_unknown(scheme: Scheme, parameters: Mapping[str, str]) -> None:
    """Raise ValueError for a parameter that would be ignored or would switch verification off."""
    for name, allowed in _ALWAYS_SO.items():
        if name in parameters and parameters[name].lower() not in allowed:
            raise ValueError(
                f"cannot switch verification off: leave {name} out, and name the certificate of your authority "
                "by ssl_ca_certs=/path/ca.pem"
            )
    if scheme != "rediss" and parameters.keys() & {*TLS_FILES, *_ALWAYS_SO}:
        raise ValueError("has parameters of TLS without TLS: start it with rediss://")
    if not parameters.keys() <= {"db", *TLS_FILES, *_ALWAYS_SO}:
        raise ValueError(f"may have no parameters but db and, with rediss://, {', '.join(TLS_FILES)}")
    if "ssl_keyfile" in parameters and "ssl_certfile" not in parameters:
        raise ValueError("has an ssl_keyfile without its ssl_certfile")


def _socket_path(parts: SplitResult) -> str:
    path = unquote(parts.path)
    if parts.hostname or path in ("", "/"):
        raise ValueError("must name the socket by its whole path, with three slashes: unix:///path/valkey.sock")
    if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
        raise ValueError(f"names a socket whose path is longer than the {_LONGEST_SOCKET_PATH} bytes that are possible")
    return path
