"""The output of `make run`: lines of the processes after their names, steps, and a banner.

Everything also goes into a log file, once there is one. A terminal may be shown only the important lines: our own,
warnings and errors of the programs, and what they print outside of their logs.
"""

import logging
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from common.core import secret_files

_COLOURS = (36, 33, 32, 35, 34, 96)
_WIDTH = 8
_LARGEST_LOG = 10_000_000
"""The greatest size of a log file in bytes; one earlier file is kept."""

_LEVEL = re.compile(r'\S+ \[(\w+) *\] |\{.*?"level": ?"(\w+)"|\[([A-Z]) \d{6} ')
"""The level in a line of `common.core.logging`, readable or JSON, or of Tornado, which Flower uses."""
_UNIMPORTANT = frozenset({"debug", "info", "D", "I"})


class Output:
    """Writes to standard output, with colours only on a terminal. A closed standard output ends nothing."""

    def __init__(self, *, only_warnings: bool = False) -> None:
        self._only_warnings = only_warnings
        self._coloured = sys.stdout.isatty()
        self._names: list[str] = []
        self._hidden: set[str] = set()
        self._log = logging.Logger("output")

    def keep(self, path: Path) -> None:
        """Write everything from now on into `path` too, shown or not."""
        handler = _LogFile(path, maxBytes=_LARGEST_LOG, backupCount=1, encoding="utf-8")
        self._log.addHandler(handler)

    def close(self) -> None:
        """Close the log file, if there is one."""
        for handler in tuple(self._log.handlers):
            self._log.removeHandler(handler)
            handler.close()

    def line(self, name: str, text: str) -> None:
        """Show one line about a process."""
        self._keep_line(name, text)
        self._show(name, text)

    def program_line(self, name: str, text: str) -> None:
        """Show one line that a program has written, if it is important enough."""
        self._keep_line(name, text)
        if self._is_shown(name, text):
            self._show(name, text)

    def step(self, text: str) -> None:
        """Show what is being done now."""
        for line in text.splitlines():
            self.line("run", line)

    def banner(self, rows: Sequence[tuple[str, str]]) -> None:
        """Show a few facts, set apart."""
        width = max(len(name) for name, _ in rows)
        body = [f"  {name:<{width}}   {value}" for name, value in rows]
        ruler = "─" * (max(len(row) for row in body) + 2)
        self._write("\n".join(("", ruler, *body, ruler, "")))

    def _is_shown(self, name: str, text: str) -> bool:
        """Return whether a line is shown. Indented lines, as of a traceback, are treated as the line before them."""
        if not self._only_warnings:
            return True
        if not text[:1].isspace():
            level = _LEVEL.match(text)
            if level and level[level.lastindex or 0] in _UNIMPORTANT:
                self._hidden.add(name)
            else:
                self._hidden.discard(name)
        return name not in self._hidden

    def _keep_line(self, name: str, text: str) -> None:
        self._log.info("%s | %s", f"{name:<{_WIDTH}}", text)

    def _show(self, name: str, text: str) -> None:
        if name not in self._names:
            self._names.append(name)
        label = f"{name:<{_WIDTH}} |"
        if self._coloured:
            colour = _COLOURS[self._names.index(name) % len(_COLOURS)]
            label = f"\033[{colour}m{label}\033[0m"
        self._write(f"{label} {text}")

    @staticmethod
    def _write(text: str) -> None:
        with suppress(OSError, ValueError):
            print(text, flush=True)  # noqa: T201 - this is the output


class _LogFile(RotatingFileHandler):
    """A log file that only its owner may read, and whose errors, such as a full disk, end nothing."""

    def _open(self) -> TextIOWrapper:
        descriptor = secret_files.private_opener(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        return TextIOWrapper(os.fdopen(descriptor, "ab"), encoding=self.encoding)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        del record
