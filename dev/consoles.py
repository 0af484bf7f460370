"""`make psql` and `make redis-cli`: a console on the servers of the running `make run`."""

import os
import shutil
import sys
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from common import run_env
from common.settings import SettingsError
from dev.servers import postgres_home


def main(console: str) -> None:
    root = Path.cwd()
    folder = root / (os.environ.get("SCOREBOARD_DATA_DIR") or ".data")
    try:
        env = {**run_env.read(folder), **os.environ}
    except SettingsError as error:
        sys.exit(str(error))
    consoles = {"psql": ("DATABASE_URL", _psql), "redis-cli": ("REDIS_URL", _redis_cli)}
    variable, command = consoles[console]
    if not env.get(variable):
        sys.exit(f"{variable} is not set and no `make run` is running in {root}")
    password, words = command(env[variable])
    os.execvpe(words[0], words, {**os.environ, **password})  # noqa: S606 - a list, no shell


def _psql(url: str) -> tuple[dict[str, str], list[str]]:
    """From the wheel. The password goes by the environment, because everybody sees a command line."""
    parts = urlsplit(url)
    bare = parts._replace(scheme="postgresql", netloc=_without_password(parts))
    return {"PGPASSWORD": unquote(parts.password or "")}, [str(postgres_home.wheel_programs() / "psql"), bare.geturl()]


def _redis_cli(url: str) -> tuple[dict[str, str], list[str]]:
    """The system's: the wheel has a server and no console."""
    program = shutil.which("valkey-cli") or shutil.which("redis-cli")
    if program is None:
        sys.exit("neither valkey-cli nor redis-cli is installed, and the wheel of Valkey has only the server")
    parts = urlsplit(url)
    return {"REDISCLI_AUTH": unquote(parts.password or "")}, [
        program,
        "-u",
        parts._replace(netloc=_address(parts)).geturl(),
    ]


def _without_password(parts: SplitResult) -> str:
    return f"{parts.username}@{_address(parts)}" if parts.username else _address(parts)


def _address(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


if __name__ == "__main__":
    main(sys.argv[1])
