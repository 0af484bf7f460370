import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOALS = set(re.findall(r"^([a-z-]+):(?!=)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {name: text for name, text in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(command, cwd=cwd, env={**env, **environment}, capture_output=True, text=True, check=False)


def fake_python(folder: Path, name: str, version: str, modules: str = "") -> None:
    """A Python that has the given version and lacks `venv` unless it is named among the modules."""
    path = folder / name
    old_enough = version >= "3.11"
    path.write_text(f"""#!/bin/sh
case "$2" in
    *version_info*) exit {0 if old_enough else 1} ;;
    *ensurepip*) [ -n "{modules}" ] ;;
esac
""")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "env"):
        (folder / name).symlink_to(shutil.which(name) or "")
    return folder


def test_make_alone_lists_every_goal_with_a_sentence() -> None:
    done = run("make")

    assert done.returncode == 0
    assert set(re.findall(r"^  make ([a-z-]+) +\S", done.stdout, re.MULTILINE)) == GOALS


def test_the_first_python_that_is_new_enough_and_can_make_environments_is_chosen(programs: Path) -> None:
    fake_python(programs, "python3", "3.10", "venv")
    fake_python(programs, "python3.11", "3.11")
    fake_python(programs, "python3.12", "3.12", "venv")

    done = run("sh", "dev/find_python.sh", PATH=str(programs))

    assert done.stdout.strip() == str(programs / "python3.12")


def test_a_python_that_is_named_is_the_only_one_considered(programs: Path) -> None:
    fake_python(programs, "python3", "3.12", "venv")

    done = run("sh", "dev/find_python.sh", str(programs / "python3.99"), PATH=str(programs))

    assert done.returncode == 1
    assert "No Python >= 3.11" in done.stderr


def test_a_python_without_venv_is_told_from_no_python_at_all(programs: Path) -> None:
    fake_python(programs, "python3", "3.12")

    done = run("sh", "dev/find_python.sh", PATH=str(programs))

    assert done.returncode == 1
    assert "On Debian and Ubuntu, root installs them once: apt install python3-venv" in done.stderr


def test_the_package_of_a_python_with_a_version_in_its_name_is_that_of_this_version(programs: Path) -> None:
    fake_python(programs, "python3.12", "3.12")

    done = run("sh", "dev/find_python.sh", "python3.12", PATH=str(programs))

    assert "apt install python3.12-venv" in done.stderr


def test_compose_secrets_are_made_once_and_shut_off_from_others(tmp_path: Path) -> None:
    script = ROOT / "dev" / "compose_secrets.sh"
    assert run("sh", script, cwd=tmp_path).returncode == 0
    folder = tmp_path / "secrets"
    first = {path.name: path.read_text() for path in folder.iterdir()}

    assert run("sh", script, cwd=tmp_path).returncode == 0

    assert {path.name: path.read_text() for path in folder.iterdir()} == first
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert first[".gitignore"] == "*\n"
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in first if name != ".gitignore"} == {0o644}
    for secret, url, role in (
        ("postgres_password", "owner_database_url", "scoreboard"),
        ("database_password", "database_url", "scoreboard_serving"),
    ):
        password = first[secret].strip()
        assert len(password) == 43
        assert first[url] == f"postgresql://{role}:{password}@postgres:5432/scoreboard\n"


def test_the_script_for_continuous_integration_can_be_run_and_runs_everything() -> None:
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text(encoding="utf-8")
    assert run("bash", "-n", script).returncode == 0


@pytest.mark.parametrize("stamp", ["installed-local", "installed-development"])
def test_a_clone_that_was_moved_is_installed_again_and_one_that_was_not_is_not(stamp: str, tmp_path: Path) -> None:
    goal = {"installed-local": "run", "installed-development": "test-fast"}[stamp]
    clone = tmp_path / "a b%c"
    (clone / ".venv").mkdir(parents=True)
    (clone / "requirements").mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements/local.txt", "requirements/development.txt"):
        shutil.copy(ROOT / name, clone / name)

    (clone / ".venv" / stamp).write_text(f"{tmp_path / 'elsewhere'}\n")
    moved = run("make", "--dry-run", goal, cwd=clone)
    (clone / ".venv" / stamp).write_text(f"{clone}\n")
    at_home = run("make", "--dry-run", goal, cwd=clone)

    assert (moved.returncode, at_home.returncode) == (0, 0)
    assert "dev.install" in moved.stdout
    assert "dev.install" not in at_home.stdout


def test_no_secret_that_the_documents_have_people_make_is_added_to_the_repository() -> None:
    done = run("git", "check-ignore", "secrets/tls_key", "secrets/jwt_secret", ".data/run.env")

    assert done.stdout.split() == ["secrets/tls_key", "secrets/jwt_secret", ".data/run.env"]
