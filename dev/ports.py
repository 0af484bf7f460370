"""Choosing and checking TCP ports."""

import json
import socket
from pathlib import Path


def is_free(host: str, port: int) -> bool:
    """Whether we could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def any_free() -> int:
    """A port on the loopback address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def remembered(path: Path, name: str) -> int:
    """The port that `name` had last time if it is still free, else another; remembered in `path`."""
    known: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    port = known.get(name, 0)
    if not port or not is_free("127.0.0.1", port):
        port = any_free()
        path.write_text(json.dumps(known | {name: port}))
    return port
