"""The floor's server: the bare Flask app on a gunicorn of its own, with gevent and two processes."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from dev.harness.waiting import wait_until
from dev.servers import ports
from dev.servers.server import STARTS_WITHIN_SECONDS

PROCESSES = 2
"""As many as `make run` starts web processes."""

_COMMAND = [sys.executable, "-m", "gunicorn", "--worker-class", "gevent", "--workers", str(PROCESSES)]


@contextmanager
def running_floor() -> Iterator[tuple[int, psutil.Process]]:
    """Run the bare app until the block ends, with gunicorn's own defaults. Yields its port and its first process."""
    port = ports.any_free()
    command = [*_COMMAND, "--no-control-socket", "--bind", f"127.0.0.1:{port}", "bench.bare_app:app"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            tree = psutil.Process(process.pid)
            wait_until(lambda: len(tree.children()) == PROCESSES and _answers(port), STARTS_WITHIN_SECONDS)
            yield port, tree
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
