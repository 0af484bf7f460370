"""Keeps servers and programs alive: starts them, shows what they say, starts again what dies, and stops all in order.

One thread and one loop, because the kernel ends our children with the thread that forked them.
"""

import selectors
import time
from collections.abc import Iterable

from dev import children
from dev.lives import Child, Life
from dev.output import Output
from dev.programs import Program
from dev.servers import ServerError

STOPS_WITHIN_SECONDS = 8.0
_FIRST = frozenset({"demo", "flower", "beat", "web"})
"""Programs that ask the others for something: they are stopped while there is still somebody to answer."""


class Supervisor:
    """Children, each started at the turn after it is added, and supervised until `stop`."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._lives: list[Life] = []
        self._selector = selectors.DefaultSelector()

    def add(self, child: Child, *, once: bool = False) -> Life:
        life = Life(child, once=once)
        self._lives.append(life)
        return life

    def turn(self, seconds: float) -> None:
        """One turn of the loop: start what is due, show output for up to `seconds`, notice deaths."""
        for life in self._lives:
            if life.is_due():
                self._begin(life)
        self._show(seconds)
        for life in self._lives:
            if life.has_died():
                self._close(life)

    def stop(self) -> None:
        """End the programs in the order that loses nothing, and then the servers, which need no such care."""
        programs = [life for life in self._lives if isinstance(life.child, Program)]
        self._stop_together(life for life in programs if life.child.name in _FIRST)
        self._stop_together(programs)
        self._stop_together(self._lives)

    def _begin(self, life: Life) -> None:
        try:
            is_up = life.begin()
        except (ServerError, OSError) as error:
            self._output.line(life.child.name, f"{error}{life.put_off()}")
            return
        if is_up and isinstance(life.child, Program):
            self._selector.register(life.child.pipe, selectors.EVENT_READ, life.child)

    def _show(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            program: Program = key.data
            lines = program.read_lines()
            if lines is None:
                self._selector.unregister(program.pipe)
            for line in lines or ():
                self._output.line(program.name, line)

    def _close(self, life: Life) -> None:
        ending = life.close()
        self._let_go(life.child)
        if ending:
            self._output.line(life.child.name, ending)

    def _let_go(self, child: Child) -> None:
        """Show what a dead program still said, and forget its pipe."""
        if not isinstance(child, Program):
            return
        if child.pipe in self._selector.get_map():
            self._selector.unregister(child.pipe)
        for line in child.last_lines():
            self._output.line(child.name, line)

    def _stop_together(self, lives: Iterable[Life]) -> None:
        """Ask those that are up, show what they say meanwhile, and end for certain those that take too long."""
        chosen = [life for life in lives if life.is_up]
        if not chosen:
            return
        self._output.step(f"stopping {', '.join(life.child.name for life in chosen)}")
        for life in chosen:
            children.ask(life.child.process, life.child.stop_signal)
        deadline = time.monotonic() + STOPS_WITHIN_SECONDS
        while not all(life.has_died() for life in chosen) and time.monotonic() < deadline:
            self._show(0.02)
        for life in chosen:
            life.close()
            self._let_go(life.child)
