"""The output of `make run`: lines of the processes after their names, steps, and a banner.

Everything also goes into a log file, once there is one. A terminal may be shown only the important lines: our own,
warnings and errors of the programs, and what they print outside of their logs. What programs write comes in pieces of
many lines. To a file or pipe a piece is passed on unchanged, each line behind the name; for a terminal, lines are made
readable. A terminal or pipe that nobody reads holds nobody up: what waits for too long is left out, and it is said how
much that was, once somebody reads again. The log file has all of it.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from common.core.log_output import LogOutput
from dev.supervise import readable
from dev.supervise.log_file import LogFile

_COLOURS = (36, 33, 32, 35, 34, 96)
_WIDTH = 8
_LARGEST_LOG = 10_000_000
"""The greatest size of a log file in bytes; one earlier file is kept."""

_STANDARD_OUTPUT = 1
_MOST_WAITING_LINES = 100_000
"""So many lines wait for a reader: more than any burst of a program whose reader only is slow."""

_LEVEL = re.compile(r"\S+ \[(\w+) *\] |\[([A-Z]) \d{6} ")
"""The level in a readable line of `common.core.logging`, or of Tornado, which Flower uses."""
_UNIMPORTANT = frozenset({"debug", "info", "D", "I"})


class Output:
    """Writes to a descriptor, with colours only on a terminal. One that is closed, or not read, ends nothing."""

    def __init__(self, descriptor: int = _STANDARD_OUTPUT, *, only_warnings: bool = False) -> None:
        self._only_warnings = only_warnings
        self._on_terminal = os.isatty(descriptor)
        self._lines = LogOutput(descriptor, notice=_notice_of_dropped, most_waiting=_MOST_WAITING_LINES)
        self._names: list[str] = []
        self._hidden: set[str] = set()
        self._log: LogFile | None = None

    def keep(self, path: Path) -> None:
        """Write everything from now on into `path` too, shown or not."""
        self._log = LogFile(path, _LARGEST_LOG)

    def close(self) -> None:
        """Write what still waits, for up to a second, and close the log file, if there is one."""
        self._lines.close()
        self._lines.release()
        if self._log is not None:
            self._log.close()
            self._log = None

    def line(self, name: str, text: str) -> None:
        """Show one line about a process."""
        piece = f"{text}\n".encode()
        self._keep_piece(name, piece)
        self._show(name, piece)

    def program_output(self, name: str, piece: bytes) -> None:
        """Show whole lines that a program has written, as far as they are important enough."""
        if not piece:
            return
        self._keep_piece(name, piece)
        if self._only_warnings or self._on_terminal:
            piece = self._for_people(name, piece)
        if piece:
            self._show(name, piece)

    def step(self, text: str) -> None:
        """Show what is being done now."""
        for line in text.splitlines():
            self.line("run", line)

    def banner(self, rows: Sequence[tuple[str, str]]) -> None:
        """Show a few facts, set apart."""
        width = max(len(name) for name, _ in rows)
        body = [f"  {name:<{width}}   {value}" for name, value in rows]
        ruler = "─" * (max(len(row) for row in body) + 2)
        self._write("\n".join(("", ruler, *body, ruler, "", "")).encode())

    def _for_people(self, name: str, piece: bytes) -> bytes:
        """Return the important lines, or all if all are wanted, in their readable form."""
        if self._only_warnings:
            piece = readable.without_unimportant(piece)
        lines = [line for line in piece.decode(errors="replace").split("\n")[:-1] if self._is_shown(name, line)]
        return "".join(f"{readable.line_of(line, colours=self._on_terminal)}\n" for line in lines).encode()

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

    def _keep_piece(self, name: str, piece: bytes) -> None:
        if self._log is not None:
            self._log.write(_labelled(_label(name), piece))

    def _show(self, name: str, piece: bytes) -> None:
        if name not in self._names:
            self._names.append(name)
        label = _label(name)
        if self._on_terminal:
            colour = _COLOURS[self._names.index(name) % len(_COLOURS)]
            label = f"\033[{colour}m{label}\033[0m"
        self._write(_labelled(label, piece))

    def _write(self, piece: bytes) -> None:
        self._lines.add_all((line + b"\n" for line in piece[:-1].split(b"\n")), at_once=True)


def _notice_of_dropped(count: int) -> bytes:
    return _labelled(_label("run"), b"%d lines are left out here, because nobody read them\n" % count)


def _label(name: str) -> str:
    return f"{name:<{_WIDTH}} |"


def _labelled(label: str, piece: bytes) -> bytes:
    """Return the lines with the label before each."""
    before = f"{label} ".encode()
    return before + piece[:-1].replace(b"\n", b"\n" + before) + piece[-1:]
