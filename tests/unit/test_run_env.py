import os
import stat
from pathlib import Path

import pytest

from common.core import run_env

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.mark.parametrize(
    "value",
    ["postgresql://u:p=w@127.0.0.1/db", "/data/a b%c#d/jwt", "it's", "back\\slash\\", "$HOME ${HOME}", '"quoted"', ""],
)
def test_what_is_written_is_read_again_whatever_is_in_it(value: str, tmp_path: Path) -> None:
    path = run_env.write(tmp_path, {"DATABASE_URL": value, "REDIS_URL": "redis://127.0.0.1/0"})

    assert run_env.read(tmp_path) == {"DATABASE_URL": value, "REDIS_URL": "redis://127.0.0.1/0"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_where_nothing_runs_there_is_nothing_to_read(tmp_path: Path) -> None:
    run_env.write(tmp_path, {"REDIS_URL": "redis://127.0.0.1/0"})
    run_env.remove(tmp_path)

    assert run_env.read(tmp_path) == {}


@needs_root
def test_a_file_of_somebody_else_is_refused_by_name(tmp_path: Path) -> None:
    path = run_env.write(tmp_path, {"DATABASE_URL": "postgresql://evil.example/board"})
    os.chown(path, 65534, 65534)

    with pytest.raises(run_env.RunFileError, match=r"run\.env belongs to user 65534 and not to you"):
        run_env.read(tmp_path)
