"""`make psql` and `make redis-cli`: a console on the servers of the running `make run`."""

import os
import shutil
import sys
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from common.core import redis_address, run_env
from dev.servers import postgres_home

_TLS_OPTIONS = {"ssl_ca_certs": "--cacert", "ssl_certfile": "--cert", "ssl_keyfile": "--key"}


def main(console: str) -> None:
    root = Path.cwd()
    folder = run_env.running_folder(os.environ, root)
    try:
        env = {**run_env.read(folder), **os.environ}
    except run_env.RunFileError as error:
        sys.exit(str(error))
    consoles = {"psql": ("DATABASE_URL", _psql), "redis-cli": ("REDIS_URL", _redis_cli)}
    variable, command = consoles[console]
    if not env.get(variable):
        sys.exit(f"{variable} is not set and no `make run` is running in {root}")
    password, words = command(env[variable])
    os.execvpe(words[0], words, {**os.environ, **password})  # noqa: S606 - a list, no shell


def _psql(url: str) -> tuple[dict[str, str], list[str]]:
    """Return environment and command of the wheel's `psql`. Other users could see a password in the command."""
    parts = urlsplit(url)
    bare = parts._replace(scheme="postgresql", netloc=_without_password(parts))
    return {"PGPASSWORD": unquote(parts.password or "")}, [str(postgres_home.wheel_programs() / "psql"), bare.geturl()]


def _redis_cli(url: str) -> tuple[dict[str, str], list[str]]:
    """Return environment and command of the system's console, because the wheel has none."""
    program = shutil.which("valkey-cli") or shutil.which("redis-cli")
    if program is None:
        sys.exit("neither valkey-cli nor redis-cli is installed, and the wheel of Valkey has only the server")
    address = redis_address.parse(url)
    if address.scheme == "unix":
        where = ["-s", address.socket_path, "-n", str(address.database)]
    else:
        parts = urlsplit(url)
        bare = parts._replace(netloc=_address(parts), path=f"/{address.database}", query="")
        where = ["-u", bare.geturl()]
    where += [word for name, path in address.tls_files.items() for word in (_TLS_OPTIONS[name], path)]
    user = ["--user", address.username] if address.username else []
    return {"REDISCLI_AUTH": address.password or ""}, [program, *where, *user]


def _without_password(parts: SplitResult) -> str:
    return f"{parts.username}@{_address(parts)}" if parts.username else _address(parts)


def _address(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


if __name__ == "__main__":
    main(sys.argv[1])
