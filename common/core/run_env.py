"""`run.env`: the file in which a running `make run` tells other terminals of its user where the service is."""

import fcntl
import os
import re
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from common.core import secret_files

FILE_NAME = "run.env"
LOCK_FILE_NAME = "run.lock"
"""Held as long as a `make run` uses the folder."""

DATA_FOLDER, DEMO_FOLDER = ".data", ".data-demo"
"""Where `make run` keeps its data, and where one with `DEMO=1` does, so that made-up players stay among themselves."""

_PLAIN = re.compile(r"""[^\s'"#]*""")


class RunFileError(Exception):
    """The file exists but cannot be trusted; the message says why, and what to do."""


def write(folder: Path, values: Mapping[str, str]) -> Path:
    """Write the variables into a file in `folder` that only its owner can read. Returns the file's path."""
    path = folder / FILE_NAME
    secret_files.write_private(path, "".join(f"{name}={_quoted(value)}\n" for name, value in values.items()))
    return path


def read(folder: Path) -> dict[str, str]:
    """Return the variables that a running `make run` has written into `folder`; an empty dict if there is no file.

    Raises RunFileError for a file of another user, who could name a database of their own in it.
    """
    try:
        with (folder / FILE_NAME).open(encoding="utf-8") as file:
            owner = os.fstat(file.fileno()).st_uid
            if owner not in (os.geteuid(), 0):
                raise RunFileError(
                    f"{folder / FILE_NAME} belongs to user {owner} and not to you: run this as the user of `make run`, "
                    "or set DATABASE_URL and REDIS_URL"
                )
            return {name: value or "" for name, value in dotenv_values(stream=file, interpolate=False).items()}
    except FileNotFoundError:
        return {}
    except PermissionError:
        raise RunFileError(f"{folder / FILE_NAME} cannot be read: run this as the user of `make run`") from None


def running_folder(environ: Mapping[str, str], here: Path) -> Path:
    """Return the data folder of the `make run` of this place: that with demo players, if it alone is running."""
    if chosen := environ.get("SCOREBOARD_DATA_DIR"):
        return here / chosen
    usual, demo = here / DATA_FOLDER, here / DEMO_FOLDER
    return demo if is_running(demo) and not is_running(usual) else usual


def is_running(folder: Path) -> bool:
    """Return whether a `make run` uses the folder now. One that was killed leaves its files but no lock."""
    try:
        with (folder / LOCK_FILE_NAME).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def remove(folder: Path) -> None:
    """Remove the file when the servers have stopped, so that no command looks for them."""
    (folder / FILE_NAME).unlink(missing_ok=True)


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
