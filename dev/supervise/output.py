"""What `make run` shows: each process' lines behind its name, steps as they happen, and a block when all is up."""

import sys
from collections.abc import Sequence
from contextlib import suppress

_COLOURS = (36, 33, 32, 35, 34, 96)
_WIDTH = 8


class Output:
    """Writes to standard output; colours only on a terminal. A reader who went away ends nothing."""

    def __init__(self) -> None:
        self._coloured = sys.stdout.isatty()
        self._names: list[str] = []

    def line(self, name: str, text: str) -> None:
        """One line of a process."""
        if name not in self._names:
            self._names.append(name)
        label = f"{name:<{_WIDTH}} |"
        if self._coloured:
            colour = _COLOURS[self._names.index(name) % len(_COLOURS)]
            label = f"\033[{colour}m{label}\033[0m"
        self._write(f"{label} {text}")

    def program_line(self, name: str, text: str) -> None:
        """One line that a program has written."""
        self.line(name, text)

    def step(self, text: str) -> None:
        """What is being done now."""
        self.line("run", text)

    def block(self, rows: Sequence[tuple[str, str]]) -> None:
        """A few facts, set apart."""
        width = max(len(name) for name, _ in rows)
        body = [f"  {name:<{width}}   {value}" for name, value in rows]
        ruler = "─" * (max(len(row) for row in body) + 2)
        self._write("\n".join(("", ruler, *body, ruler, "")))

    @staticmethod
    def _write(text: str) -> None:
        with suppress(OSError, ValueError):
            print(text, flush=True)  # noqa: T201 - this is the output
