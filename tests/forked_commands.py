"""Runs `scoreboard` in forks of a process that has imported every command, because that takes most of a command's time.

It reads a request a line, as JSON: `arguments`, `environment`, and a `folder` with a file `stdin`. The command's output
goes to the files `stdout` and `stderr` there. The answer is a line with its exit code.
"""

import atexit
import gc
import json
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import click

from scoreboard import __main__ as program
from scoreboard.lazy import SUMMARIES


def serve() -> None:
    """Answer until there are no more requests. A fork leaves by running the command, as the whole program would."""
    context = click.Context(program.commands)
    for name in SUMMARIES:
        program.commands.get_command(context, name)  # which imports it
    gc.collect()
    gc.freeze()
    while line := sys.stdin.buffer.readline():
        child = os.fork()
        if not child:
            _become(json.loads(line))
            _leave_with(_exit_code())
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _exit_code() -> int:
    try:
        program.main()
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
            return 1
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _leave_with(code: int) -> None:
    """End as Python does, but for taking apart all that was imported, which takes a third of a second."""
    threading._shutdown()  # type: ignore[attr-defined]  # which Python calls at its end
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _become(request: dict[str, Any]) -> None:
    folder = Path(request["folder"])
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        opened = os.open(folder / name, os.O_RDONLY if name == "stdin" else os.O_WRONLY | os.O_CREAT)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["scoreboard", *request["arguments"]]


if __name__ == "__main__":
    serve()
