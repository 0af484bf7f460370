"""Starting and ending child processes so that nothing is left behind, however the parent ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_LEASH = str(Path(__file__).with_name("leash.py"))
_LOOK_AGAIN_SECONDS = 0.01


@dataclass(frozen=True)
class Account:
    """The user that a child runs as; the files it owns must be that user's."""

    uid: int
    gid: int


def spawn(
    command: Sequence[str | Path],
    *,
    death_signal: signal.Signals,
    output: int | IO[bytes],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    locks: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """A child in a session of its own, so that Ctrl-C reaches only us, who then end things in order.

    `death_signal` is sent to it by the kernel if we die first. That holds for the thread that forks: call this
    from the main thread. The child inherits `locks`, which last until the last of its family ends.
    """
    user = f"{account.uid}:{account.gid}" if account else "-"
    leash = [sys.executable, "-I", "-S", _LEASH, str(int(death_signal)), str(os.getpid()), user]
    return subprocess.Popen(
        [*leash, *(str(part) for part in command)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=env,
        cwd=cwd,
        pass_fds=locks,
    )


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the child has ended. It is not reaped: until `bury`, its number and its group's are nobody else's."""
    if process.returncode is not None:
        return True
    if sys.platform == "darwin":
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def ask(process: subprocess.Popen[bytes], request: signal.Signals) -> None:
    """Send a signal to the child alone. One that has ended stays unreaped, which `Popen.send_signal` would not do."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, request)


def bury(process: subprocess.Popen[bytes]) -> int:
    """SIGKILL to whatever is left of the child's group, the child included; then reap it. Returns its exit code."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def end(process: subprocess.Popen[bytes], first: signal.Signals, seconds: float) -> int:
    """Ask the child to stop, wait, and then end its whole group for certain. Returns its exit code."""
    ask(process, first)
    deadline = time.monotonic() + seconds
    while not has_ended(process) and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN_SECONDS)
    return bury(process)
