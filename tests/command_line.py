"""The `scoreboard` command as an operator runs it: a process of its own, with nothing in it but what it was given."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import fsdecode
from pathlib import Path
from threading import Lock

from common.core.settings import Settings

CommandLine = Callable[..., subprocess.CompletedProcess[str]]
"""Takes the arguments; `stdin` is what it reads, and other keywords are environment variables."""

_ROOT = Path(__file__).resolve().parents[1]
_ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


class Commands:
    """Runs commands, one at a time, in forks of a process that has imported them (`tests/forked_commands.py`)."""

    def __init__(self, server: subprocess.Popen[str]) -> None:
        self._server = server
        self._turn = Lock()

    def run(self, arguments: list[str], environment: dict[str, str], stdin: bytes) -> subprocess.CompletedProcess[str]:
        """Run a command and wait for its end."""
        with tempfile.TemporaryDirectory(prefix="scoreboard-command-") as name:
            folder = Path(name)
            (folder / "stdin").write_bytes(stdin)
            code = self._ask({"arguments": arguments, "environment": environment, "folder": name})
            out, err = ((folder / stream).read_bytes().decode() for stream in ("stdout", "stderr"))
        return subprocess.CompletedProcess(["scoreboard", *arguments], code, out, err)

    def _ask(self, request: dict[str, object]) -> int:
        assert self._server.stdin
        assert self._server.stdout
        with self._turn:
            self._server.stdin.write(f"{json.dumps(request)}\n")
            self._server.stdin.flush()
            return int(self._server.stdout.readline())


@contextmanager
def running_commands() -> Iterator[Commands]:
    """Keep the process from which commands are forked until the block ends."""
    command = [sys.executable, "-m", "tests.forked_commands"]
    with subprocess.Popen(
        command, cwd=_ROOT, env=_ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        yield Commands(server)


def command_line_of(commands: Commands, settings: Settings) -> CommandLine:
    """Runs commands against the servers of these settings, and waits for their end."""
    environment = {
        **_ENVIRONMENT,
        "DATABASE_URL": settings.database_url.replace("postgresql+psycopg2", "postgresql"),
        "REDIS_URL": settings.redis_url,
        "SCOREBOARD_JWT_SECRET": "jwt-secret-of-tests-" * 2,
        "SCOREBOARD_SECRET_KEY": settings.secret_key.get_secret_value().decode(),
    }

    def run(*arguments: str | bytes, stdin: bytes = b"", **changes: str) -> subprocess.CompletedProcess[str]:
        return commands.run([fsdecode(argument) for argument in arguments], {**environment, **changes}, stdin)

    return run
