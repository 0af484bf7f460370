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

_PARENT_DEATH_SIGNAL = str(Path(__file__).with_name("parent_death_signal.py"))
_POLL_SECONDS = 0.01


class StartError(Exception):
    """A program or server cannot be started here; the message says what to do."""


@dataclass(frozen=True)
class Account:
    """The user that a child runs as, who must own the files that it writes."""

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
    """Start a child in a session of its own, so that Ctrl-C reaches only us, who then end things in order.

    The kernel sends `death_signal` to it if we die first. That holds for the thread that forks: call this from the
    main thread. The child inherits `locks`, which last until the last process of its family ends.
    """
    user = f"{account.uid}:{account.gid}" if account else "-"
    wrapper = [sys.executable, "-I", "-S", _PARENT_DEATH_SIGNAL, str(int(death_signal)), str(os.getpid()), user]
    return subprocess.Popen(
        [*wrapper, *(str(part) for part in command)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=env,
        cwd=cwd,
        pass_fds=locks,
    )


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether the child has ended. It stays a zombie until `reap`, so its process id and group are not reused."""
    if process.returncode is not None:
        return True
    if sys.platform == "darwin":
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def send_signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the child alone. One that has ended is not reaped, which `Popen.send_signal` would do."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)


def reap(process: subprocess.Popen[bytes]) -> int:
    """Send SIGKILL to what is left of the child's group, the child included, and reap it. Returns its exit code."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def end(process: subprocess.Popen[bytes], first: signal.Signals, seconds: float) -> int:
    """Ask the child to stop, wait, and then kill its whole group. Returns its exit code."""
    send_signal(process, first)
    deadline = time.monotonic() + seconds
    while not has_ended(process) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return reap(process)
