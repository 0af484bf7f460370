"""Work that nobody waits for has the processors after everything else."""

import os
import subprocess
import sys

SCRIPT = """
import os
from pathlib import Path
from common.core import priority
os.setsid()
priority.give_way()
priority.give_way()
print(os.nice(0))
autogroup = Path("/proc/self/autogroup")
print(autogroup.read_text().split()[-1] if autogroup.exists() else "5")
"""


def test_whoever_gives_way_does_so_once_and_with_its_session() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    niceness = max(5, os.nice(0))
    assert done.stdout.split() == [str(niceness), "5"]
