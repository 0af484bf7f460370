"""A project of dummies that `make run`'s supervisor takes for ours, and a run of it that a test can watch.

Each dummy writes a line into one file when it starts, with its process id and its child's, and one when it stops.
"""

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dev.harness.stack import free_port
from dev.harness.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]

PROCFILE = """\
web: python dummy.py web
worker: python dummy.py worker
beat: python dummy.py beat
flower: python dummy.py flower
"""

DUMMY = """\
import http.server, os, signal, subprocess, sys, threading

name = sys.argv[1]

def write(text):
    with open("events", "a") as file:
        file.write(f"{name} {text}\\n")

def stop(*_):
    write(f"stop {os.getpid()}")
    os._exit(0)

class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass

signal.signal(signal.SIGTERM, stop)
child = subprocess.Popen(["sleep", "1000"])
write(f"start {os.getpid()} {child.pid}")
print(f"{name} is up", flush=True)
if name == "web":
    port = int(os.environ["SCOREBOARD_PORT"])
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Ready).serve_forever()
signal.pause()
"""

MIGRATION = 'import os; print("migrating", os.environ["DATABASE_URL"])\n'


@dataclass(frozen=True)
class Start:
    """One start of a dummy."""

    name: str
    pid: int
    child: int


class Project:
    """A folder with a Procfile, four dummies, and a migration."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "Procfile").write_text(PROCFILE)
        (root / "dummy.py").write_text(DUMMY)
        (root / "scoreboard").mkdir()
        (root / "scoreboard" / "__init__.py").touch()
        (root / "scoreboard" / "__main__.py").write_text(MIGRATION)
        (root / "events").touch()
        (root / "events").chmod(0o666)  # under root, dummies run as another user, if that user can read our Python
        self.data = root / ".data"
        self.ports = {f"SCOREBOARD_{name}PORT": str(free_port()) for name in ("", "FLOWER_", "METRICS_")}

    def events(self) -> list[list[str]]:
        path = self.root / "events"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def starts(self, name: str = "") -> list[Start]:
        started = [event for event in self.events() if event[1] == "start" and name in ("", event[0])]
        return [Start(event[0], int(event[2]), int(event[3])) for event in started]

    def stops(self) -> list[str]:
        return [event[0] for event in self.events() if event[1] == "stop"]

    def everybody(self) -> set[int]:
        """Every process that a dummy ever was or had."""
        return {pid for start in self.starts() for pid in (start.pid, start.child)}

    @contextmanager
    def run(self, *arguments: str, **environment: str) -> Iterator["Run"]:
        """Run it until the block ends, and then for certain."""
        output = self.root / "output"
        output.unlink(missing_ok=True)
        with output.open("wb") as file:
            yield from self._run(arguments, environment, file, output)

    @contextmanager
    def run_on_terminal(self, *arguments: str, **environment: str) -> Iterator["Run"]:
        """The same with a terminal to write to, whose screen `output` is."""
        output = self.root / "output"
        output.touch()
        ours, terminal = pty.openpty()
        copying = threading.Thread(target=_copy, args=[ours, output])
        copying.start()
        try:
            with open(terminal, "wb") as file:  # noqa: PTH123 - a descriptor
                yield from self._run(arguments, environment, file, output)
        finally:
            copying.join()

    def _run(
        self, arguments: Sequence[str], environment: Mapping[str, str], file: IO[bytes], output: Path
    ) -> Iterator["Run"]:
        earlier = len(self.starts())
        with file:
            process = subprocess.Popen(
                [sys.executable, "-m", "dev.run", *arguments],
                cwd=self.root,
                env=self._environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                preexec_fn=_as_in_a_terminal,  # noqa: PLW1509 - it takes no lock
            )
        run = Run(process, output, lambda: len(self.starts()) - earlier >= len(PROCFILE.splitlines()))
        try:
            yield run
        finally:
            run.stop()

    def _environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Ours without the settings of whoever runs the tests."""
        settings = ("DEMO", "LOGS", "PORT", "SCOREBOARD_", "DATABASE_", "REDIS_", "BROKER_", "LIMITER_")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(settings)}
        return {**kept, "PYTHONPATH": str(REPOSITORY), **self.ports, **given}


def _copy(terminal: int, output: Path) -> None:
    """Write what comes out of a pseudo-terminal into a file until its other side is closed."""
    with output.open("ab", buffering=0) as file, suppress(OSError):  # Linux' way to say that it is closed
        while chunk := os.read(terminal, 65536):
            file.write(chunk)
    os.close(terminal)


def _as_in_a_terminal() -> None:
    """Whoever runs the tests may have been told to ignore that the terminal was closed (`nohup`)."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@dataclass(frozen=True)
class Run:
    """A `python -m dev.run` of a project."""

    process: subprocess.Popen[bytes]
    _output: Path
    _is_up: Callable[[], bool]

    @property
    def output(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def wait_for(self, text: str, seconds: float = 30.0) -> None:
        """Wait until it has said this; fail with all that it said instead."""
        deadline = time.monotonic() + seconds
        while text not in self.output:
            assert self.process.poll() is None and time.monotonic() < deadline, f"no {text!r} in:\n{self.output}"
            time.sleep(0.01)

    def wait_until_ready(self) -> None:
        """Wait until it says so and the last dummy, which the dummy of the web does not wait for, is up too."""
        self.wait_for("Ctrl-C")
        wait_until(self._is_up)

    def servers(self) -> dict[str, int]:
        """The process ids of the servers that it has started, by the name of their program."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        programs = {int(pid): Path(f"/proc/{pid}/exe").readlink().name for pid in children.split()}
        return {name: pid for pid, name in programs.items() if name in ("postgres", "valkey-server")}

    def family(self) -> set[int]:
        """Every process that descends from it, and itself."""
        parents = {
            pid: parent for folder in Path("/proc").glob("[0-9]*") if (parent := parent_of(pid := int(folder.name)))
        }
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found

    def stop(self, request: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop, if it still runs. Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(request)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def is_alive(pid: int) -> bool:
    """Whether the process runs. One that is dead and waits to be reaped by a lazy init does not."""
    return parent_of(pid) is not None


def parent_of(pid: int) -> int | None:
    """The parent of a process that runs."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, parent = status.rpartition(")")[2].split()[:2]
    return None if state in ("Z", "X") else int(parent)
