"""`make restore`: the servers of a stopped `make run`, for as long as `scoreboard restore` works on them."""

import os
import subprocess
import sys
from pathlib import Path

from common.core import run_env
from dev.servers import locks

ROOT = Path(__file__).resolve().parents[2]


def restore(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "SCOREBOARD_DATA_DIR": str(folder)}
    command = [sys.executable, "-m", "dev.restore", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_a_folder_that_a_run_uses_is_left_alone(tmp_path: Path) -> None:
    lock = locks.hold(tmp_path / run_env.LOCK_FILE_NAME)
    done = restore(tmp_path, "some.backup")
    os.close(lock)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot restore: `make run` uses this folder" in done.stderr


def test_the_servers_run_for_the_command_alone_and_its_exit_code_is_ours(root: Path) -> None:
    file = root / "none.backup"
    file.write_bytes(b"no backup at all")
    data = root / "data"
    done = restore(data, str(file))
    assert done.returncode == 1, done.stderr
    assert "is no backup; nothing was changed" in done.stderr
    assert list(data.glob("postgres*/PG_VERSION"))
    for server in ("postgres", "valkey"):
        os.close(locks.hold(data / f"{server}.lock"))  # nothing of it is left
