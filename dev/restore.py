"""`make restore FILE=…`: the servers of `make run` alone, for as long as `scoreboard restore` works on them."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from common.core import run_env
from dev.run import account, environment, preflight
from dev.servers import locks, roles
from dev.servers.postgres import Postgres
from dev.servers.server import Server
from dev.servers.valkey import Valkey
from dev.supervise.processes import StartError


def main(arguments: list[str]) -> int:
    """Restore into the data folder of a `make run` that is stopped. Returns the exit code of `scoreboard restore`."""
    root = Path.cwd()
    folder = preflight.data_folder(os.environ, root)
    locks.hold(folder / run_env.LOCK_FILE_NAME)
    locks.hold(folder / "programs.lock", wait_seconds=5)
    env = environment.with_programs(environment.with_long_names(os.environ), folder, root)
    env = environment.with_secrets(env, folder)
    del env["PROMETHEUS_MULTIPROC_DIR"]  # a run makes that folder, and nobody reads metrics of this
    config = preflight.check_settings(env)
    chosen, _ = account.choose(config, env, root, folder)
    with ExitStack() as running:
        if not environment.is_given(env, "DATABASE_URL"):
            env["DATABASE_URL"] = _started(running, Postgres(folder))
            roles.separate(env, folder)
        if not environment.is_given(env, "REDIS_URL"):
            env["REDIS_URL"] = _started(running, Valkey(folder, account=chosen))
        return subprocess.run(
            [sys.executable, "-m", "scoreboard", "restore", *arguments], env=env, check=False
        ).returncode


def _started(running: ExitStack, server: Server) -> str:
    """Start a server until the end of the block, and return its URL."""
    server.start()
    running.callback(server.stop)
    return server.url


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except locks.AlreadyHeldError:
        sys.exit("cannot restore: `make run` uses this folder; stop it with Ctrl-C")
    except StartError as error:
        sys.exit(f"cannot restore: {error}")
