"""The points at which the chaos suite ends a program are places that the program has."""

import subprocess
import sys

INSTALL_ALL = """
from tests.chaos import crash_points
for name, install in crash_points.ALL.items():
    print(name)
    install()
"""


def test_every_crash_point_is_a_place_in_the_code() -> None:
    run = subprocess.run([sys.executable, "-c", INSTALL_ALL], capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"{run.stdout.splitlines()[-1:]}: {run.stderr}"
