import stat
from pathlib import Path

from scoreboard.demo import password


def test_a_missing_password_is_made_for_its_owner_only_and_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "demo_password"

    first = password.ensure(path)

    assert password.ensure(path) == first
    assert len(first) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["demo_password"]


def test_an_empty_file_left_by_a_crash_counts_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "demo_password"
    path.touch()

    assert password.ensure(path)
