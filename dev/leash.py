"""Become a command that ends when its parent does: `python leash.py SIGNAL PARENT USER COMMAND...`.

The kernel sends SIGNAL when the parent dies, however it dies, so a supervisor that is killed leaves nothing behind.
It is a program of its own because the request must come after fork, and after the change of user, which cancels it;
a `preexec_fn` would run Python in a forked copy of a process that may have threads.
Where the kernel has no such signal, the command runs without it.

USER is `-`, or `uid:gid`.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(signal: str, parent: str, user: str, *command: str) -> None:
    libc = ctypes.CDLL(None)
    if user != "-":
        _become(*(int(number) for number in user.split(":")))
    if sys.platform == "linux":
        libc.prctl(_PR_SET_PDEATHSIG, int(signal))
    if os.getppid() != int(parent):
        sys.exit(f"{command[0]}: not started, its parent is gone")
    try:
        os.execvp(command[0], command)  # noqa: S606 - a list, no shell
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


def _become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


if __name__ == "__main__":
    main(*sys.argv[1:])
