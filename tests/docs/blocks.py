"""The fenced blocks of a document, and how they are run against a stack instead of the reader's own service."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from dev.harness.stack import Stack
from dev.servers import postgres_home

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LONGEST_SECONDS = 240
"""A page has dozens of commands, and each is a program that starts."""

_READERS_WEB, _READERS_METRICS = "127.0.0.1:8000", "127.0.0.1:9100"


def blocks(page: str, language: str) -> list[str]:
    """The blocks of one language in the order of the page; the path is that of the repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [code for name, code in _BLOCK.findall(text) if name == language]


def aimed(code: str, stack: Stack) -> str:
    """The same code for the addresses and the virtual environment of the test."""
    code = code.replace(_READERS_WEB, urlsplit(stack.url).netloc)
    code = code.replace(_READERS_METRICS, urlsplit(stack.metrics_url).netloc)
    return code.replace(".venv/bin/", f"{Path(sys.executable).parent}/")


def run(command: Sequence[str | Path], stack: Stack, folder: Path) -> str:
    """What it prints when it is run in this folder. Fails with all that it said unless it ends well."""
    path = f"{postgres_home.wheel_programs()}{os.pathsep}{stack.environment['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**stack.environment, "PATH": path},
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def running(command: Sequence[str | Path], stack: Stack, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that does not end by itself; what it prints goes to a file."""
    with output.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, env={**stack.environment}, stdout=file, stderr=file)
        try:
            yield process
        finally:
            process.kill()
            process.wait()
