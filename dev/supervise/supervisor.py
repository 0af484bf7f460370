"""The supervisor: it starts servers and programs, shows their output, restarts those that die, and stops all in order.

It has one thread and one loop, because the kernel ends our children with the thread that forked them.
"""

import selectors
import signal
import time
from collections.abc import Iterable
from types import FrameType

from dev.supervise import processes
from dev.supervise.output import Output
from dev.supervise.processes import StartError
from dev.supervise.programs import Program
from dev.supervise.supervised_process import Child, SupervisedProcess

STOPS_WITHIN_SECONDS = 8.0
_STOPPED_FIRST = frozenset({"demo", "flower", "beat", "web"})
"""Programs that send requests to the others, and are stopped while these still run."""


class StopRequestedError(Exception):
    """A signal asked us to stop."""


class StopRequest:
    """Remembers Ctrl-C, SIGTERM or a closed terminal. The loop checks it at points where no step is half done."""

    def __init__(self) -> None:
        self._came = False

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._remember)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup make run` outlives its terminal
            signal.signal(signal.SIGHUP, self._remember)

    def raise_if_came(self) -> None:
        """Raise StopRequestedError if a signal came."""
        if self._came:
            raise StopRequestedError

    def _remember(self, _number: int, _frame: FrameType | None) -> None:
        self._came = True


class Supervisor:
    """Children, each started at the turn after it is added, and supervised until `stop`."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._supervised: list[SupervisedProcess] = []
        self._selector = selectors.DefaultSelector()

    def add(self, child: Child, *, once: bool = False) -> SupervisedProcess:
        supervised = SupervisedProcess(child, once=once)
        self._supervised.append(supervised)
        return supervised

    def turn(self, seconds: float) -> None:
        """Run one turn of the loop: start due children, show output for up to `seconds`, and record deaths."""
        for supervised in self._supervised:
            if supervised.is_due():
                self._start(supervised)
        self._show_output(seconds)
        for supervised in self._supervised:
            if supervised.has_died():
                self._close(supervised)

    def stop(self) -> None:
        """End the programs in the order that loses nothing, and then the servers."""
        programs = [supervised for supervised in self._supervised if isinstance(supervised.child, Program)]
        self._stop_together(supervised for supervised in programs if supervised.child.name in _STOPPED_FIRST)
        self._stop_together(programs)
        self._stop_together(self._supervised)

    def _start(self, supervised: SupervisedProcess) -> None:
        try:
            is_up = supervised.start()
        except (StartError, OSError) as error:
            self._output.line(supervised.child.name, f"{error}{supervised.schedule_restart()}")
            return
        if is_up and isinstance(supervised.child, Program):
            self._selector.register(supervised.child.pipe, selectors.EVENT_READ, supervised.child)

    def _show_output(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            program: Program = key.data
            lines = program.read()
            if lines is None:
                self._selector.unregister(program.pipe)
            else:
                self._output.program_output(program.name, lines)

    def _close(self, supervised: SupervisedProcess) -> None:
        ending = supervised.close()
        self._drain_output(supervised.child)
        if ending:
            self._output.line(supervised.child.name, ending)

    def _drain_output(self, child: Child) -> None:
        """Show the last output of a dead program, and forget its pipe."""
        if not isinstance(child, Program):
            return
        if child.pipe in self._selector.get_map():
            self._selector.unregister(child.pipe)
        self._output.program_output(child.name, child.read_rest())

    def _stop_together(self, candidates: Iterable[SupervisedProcess]) -> None:
        """Ask the running ones to stop, show their output meanwhile, and kill those that take too long."""
        chosen = [supervised for supervised in candidates if supervised.is_up]
        if not chosen:
            return
        self._output.step(f"stopping {', '.join(supervised.child.name for supervised in chosen)}")
        for supervised in chosen:
            processes.send_signal(supervised.child.process, supervised.child.stop_signal)
        deadline = time.monotonic() + STOPS_WITHIN_SECONDS
        while not all(supervised.has_died() for supervised in chosen) and time.monotonic() < deadline:
            self._show_output(0.02)
        for supervised in chosen:
            supervised.close()
            self._drain_output(supervised.child)
