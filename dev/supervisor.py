"""Keeps processes alive: starts them, shows their output, starts again what dies, and stops all in order.

One thread and one loop, because the kernel ends our children with the thread that forked them.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from dev import children
from dev.output import Output
from dev.restarts import Restarts
from dev.servers import Server, ServerError

STOPS_WITHIN_SECONDS = 8.0
_CHUNK = 65536


class Program:
    """One line of the Procfile."""

    def __init__(self, name: str, command: str, env: Mapping[str, str], cwd: Path) -> None:
        self.name = name
        self._command = command
        self._env = env
        self._cwd = cwd
        self._started_at = 0.0
        self._partial = b""
        self.restarts = Restarts()
        self.due_at: float | None = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def child(self) -> subprocess.Popen[bytes]:
        """Its running process, or one that died and is not buried yet."""
        if self.process is None:
            raise RuntimeError(f"{self.name} is not running")
        return self.process

    @property
    def pipe(self) -> IO[bytes]:
        """Where its output comes."""
        if self.child.stdout is None:
            raise RuntimeError(f"{self.name} was started without a pipe")
        return self.child.stdout

    def start(self) -> None:
        """Start it; the shell replaces itself, so that signals reach the program."""
        self.process = children.spawn(
            ["/bin/sh", "-c", f"exec {self._command}"],
            death_signal=signal.SIGTERM,
            output=subprocess.PIPE,
            env=self._env,
            cwd=self._cwd,
        )
        os.set_blocking(self.pipe.fileno(), False)
        self._started_at = time.monotonic()
        self.due_at = None

    def has_died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def bury(self) -> str:
        """Take note of a death; says what happened. The next start is due at `due_at`."""
        children.kill_group(self.child)
        code = self.child.returncode
        self.restarts = self.restarts.after_death(time.monotonic() - self._started_at)
        self.due_at = time.monotonic() + self.restarts.delay
        self.process = None
        return f"ended with {code}; starting it again in {self.restarts.delay:g} s"

    def read_lines(self) -> list[str] | None:
        """Whole lines that have come; None at the end of the output."""
        try:
            chunk = os.read(self.pipe.fileno(), _CHUNK)
        except BlockingIOError:
            return []
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        return [line.decode(errors="replace") for line in lines] if chunk else None


class Supervisor:
    """Servers and programs, supervised until `stop`."""

    def __init__(self, servers: list[Server], programs: list[Program], output: Output) -> None:
        self._servers = servers
        self._programs = programs
        self._output = output
        self._selector = selectors.DefaultSelector()
        self._server_restarts = {server.name: (Restarts(), time.monotonic()) for server in servers}

    def turn(self, seconds: float) -> None:
        """One turn of the loop: start what is due, show output for up to `seconds`, notice deaths."""
        for program in self._programs:
            if program.due_at is not None and time.monotonic() >= program.due_at:
                self._start(program)
        for key, _ in self._selector.select(seconds):
            self._show(key.data)
        for program in self._programs:
            if program.has_died():
                self._bury(program)
        for server in self._servers:
            if not server.is_running():
                self._revive(server)

    def stop(self) -> None:
        """End the programs in the order that loses nothing: who asks first, then who answers, then the servers."""
        for group in (("flower", "beat"), ("web",), ()):
            chosen = [program for program in self._programs if program.name in group or not group]
            self._stop_together([program for program in chosen if program.process])
        for server in reversed(self._servers):
            self._output.step(f"stopping {server.name}")
            server.stop()

    def _start(self, program: Program) -> None:
        program.start()
        self._selector.register(program.pipe, selectors.EVENT_READ, program)

    def _show(self, program: Program) -> None:
        lines = program.read_lines()
        if lines is None:
            self._selector.unregister(program.pipe)
        for line in lines or ():
            self._output.line(program.name, line)

    def _bury(self, program: Program) -> None:
        self._drain(program)
        self._output.line(program.name, program.bury())

    def _drain(self, program: Program) -> None:
        """Show what a dead program still said, and let go of its output."""
        for line in program.read_lines() or ():
            self._output.line(program.name, line)
        if program.pipe in self._selector.get_map():
            self._selector.unregister(program.pipe)
        program.pipe.close()

    def _revive(self, server: Server) -> None:
        restarts, due_at = self._server_restarts[server.name]
        if time.monotonic() < due_at:
            return
        self._output.step(f"{server.name} died; starting it again")
        server.kill()
        started = time.monotonic()
        try:
            server.start()
            self._output.step(f"{server.name} is back")
        except ServerError as error:
            self._output.step(str(error))
        restarts = restarts.after_death(time.monotonic() - started)
        self._server_restarts[server.name] = (restarts, time.monotonic() + restarts.delay)

    def _stop_together(self, programs: list[Program]) -> None:
        for program in programs:
            self._output.step(f"stopping {program.name}")
            program.child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOPS_WITHIN_SECONDS
        while time.monotonic() < deadline and any(not program.has_died() for program in programs):
            for key, _ in self._selector.select(0.05):
                self._show(key.data)
        for program in programs:
            children.end(program.child, signal.SIGTERM, 0.0)
            self._drain(program)
            program.process = None
