"""Processes that end with their parent: `python parent_death_signal.py SIGNAL PARENT USER COMMAND...`.

Run as a program, this asks the kernel to send SIGNAL when the parent dies, however it dies, and then becomes COMMAND.
So a supervisor that is killed leaves nothing behind. It is a program of its own because the request must come after
fork, and after the change of user, which cancels it; a `preexec_fn` would run Python in a forked copy of a process that
may have threads. Where the kernel has no such signal, the command runs without it.

USER is `-`, or `uid:gid`. Only the standard library is imported, because it runs without site-packages.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Ask the kernel for SIGTERM when the process `parent` ends. Send it at once if `parent` is not our parent now."""
    _request(signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def main(number: str, parent: str, user: str, *command: str) -> None:
    if user != "-":
        _change_user(*(int(part) for part in user.split(":")))
    _request(int(number))
    if os.getppid() != int(parent):
        sys.exit(f"{command[0]}: not started, its parent is gone")
    try:
        os.execvp(command[0], command)  # noqa: S606 - a list, no shell
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


def _request(number: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number))


def _change_user(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


if __name__ == "__main__":
    main(*sys.argv[1:])
