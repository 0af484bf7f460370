"""The style of all code, as `make lint` checks it: here other tests run beside it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
RECIPE = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
COMMANDS = re.findall(r"\$\(BIN\)/(.+)", RECIPE[1]) if RECIPE else []


def test_every_check_is_made() -> None:
    assert [command.split()[0] for command in COMMANDS] == ["ruff", "ruff", "mypy", "lint-imports"]


@pytest.mark.timeout(600)  # mypy has not seen the code before
@pytest.mark.parametrize("command", COMMANDS)
def test_no_check_finds_anything(command: str) -> None:
    program, *arguments = command.split()
    done = subprocess.run([PROGRAMS / program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
