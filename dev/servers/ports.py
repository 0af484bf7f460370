"""Choosing and checking TCP ports."""

import json
import random
import socket
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from common.core import secret_files

LOWEST, HIGHEST = 20_000, 31_999
"""Below the ports that the kernel gives to outgoing connections, so that a remembered port stays free."""


def refusal(host: str, port: int) -> str | None:
    """Return why a program cannot listen there now, in the system's words; None if it can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error.strerror or str(error)
    return None


def any_free(besides: Collection[int] = ()) -> int:
    """Return a free port of the loopback address that is none of those `besides`."""
    while True:
        port = random.randint(LOWEST, HIGHEST)  # noqa: S311 - not a secret
        if port not in besides and refusal("127.0.0.1", port) is None:
            return port


def remembered(path: Path, name: str) -> int:
    """Return the port that `name` had last time if it is still free, else another, and store it in `path`."""
    known = _read(path)
    port = known.get(name, 0)
    if not port or refusal("127.0.0.1", port):
        port = any_free()
        secret_files.write_private(path, json.dumps(known | {name: port}))
    return port


def _read(path: Path) -> dict[str, int]:
    with suppress(OSError, ValueError):
        return {str(name): int(port) for name, port in json.loads(path.read_text(encoding="utf-8")).items()}
    return {}
