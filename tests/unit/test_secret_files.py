import stat
from pathlib import Path

from common.core import secret_files


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "key"

    secret = secret_files.ensure(path)

    assert len(secret) == 43
    assert secret_files.ensure(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_a_full_disk_left_empty_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch(0o644)

    secret = secret_files.ensure(path)

    assert len(secret) == 43
    assert path.read_text() == f"{secret}\n", "it is kept, and the next start gets the same"
    assert secret_files.ensure(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_private_file_is_replaced_whole_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "run.env"
    path.write_text("old")
    path.chmod(0o644)

    secret_files.write_private(path, "new")

    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
