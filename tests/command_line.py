"""The `scoreboard` command as an operator runs it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from common.core.settings import Settings

CommandLine = Callable[..., subprocess.CompletedProcess[str]]
"""Takes the arguments; `stdin` is what it reads, and other keywords are environment variables."""

_ROOT = Path(__file__).resolve().parents[1]


def command_line_of(settings: Settings) -> CommandLine:
    """Runs commands against the servers of these settings, and waits for their end."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "DATABASE_URL": settings.database_url.replace("postgresql+psycopg2", "postgresql"),
        "REDIS_URL": settings.redis_url,
        "SCOREBOARD_JWT_SECRET": "jwt-secret-of-tests-" * 2,
        "SCOREBOARD_SECRET_KEY": settings.secret_key.get_secret_value().decode(),
    }

    def run(*arguments: str | bytes, stdin: bytes = b"", **changes: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "scoreboard", *arguments],
            cwd=_ROOT,
            env={**environment, **changes},
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    return run
