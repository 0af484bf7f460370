"""Measures one round of an HTTP row: a load, what became of its answers, and the CPU time of every kind of process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic

import psutil

from bench import cpu, generator, wrk
from bench.generator import Driver
from bench.load import Result
from bench.product import Product
from bench.rows import Round, problem_of

OWN = "own"
WRK = "wrk"
NOT_HELD = "pace not held"


@dataclass(frozen=True)
class Meter:
    """What is common to the rows of one run."""

    product: Product
    floor_port: int
    floor: psutil.Process
    generator: str
    seconds: float

    def floor_round(self, connections: int) -> Round:
        """Measure the floor: the bare app's constant answer. The bare app's own CPU time is that of `web`."""
        request = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
        kinds = {"web": self.floor}
        before = cpu.read(kinds)
        result = self._run(self.floor_port, [request], connections, cycles=True)
        return self._round(result, before, [200], result.seconds, kinds=kinds)

    def closed(
        self,
        requests: Sequence[bytes],
        connections: int,
        expected: Sequence[int],
        *,
        cycles: bool = False,
        until_applied: bool = False,
        updates_each: int = 1,
    ) -> Round:
        """Measure a closed loop. With `until_applied` the time runs until all is applied, and the ledger is counted.

        A request that carries `updates_each` updates counts as so many, in the rate and in the CPU time.
        """
        recorded = self.product.ledger_rows() if until_applied else 0
        before = cpu.read(self.product.kinds())
        result = self._run(self.product.port, requests, connections, cycles=cycles)
        ended = monotonic()
        if until_applied:
            self.product.wait_until_applied()
        seconds = result.seconds + (monotonic() - ended if until_applied else 0.0)
        found = self._round(result, before, expected, seconds, updates_each=updates_each)
        if until_applied and not found.problem:
            missing = result.answers * updates_each - (self.product.ledger_rows() - recorded)
            return replace(found, problem=f"the ledger lacks {missing} updates" if missing > 0 else "")
        return found

    def alone(self, requests: Sequence[bytes], expected: Sequence[int]) -> Round:
        """Measure one client that sends one request after the other."""
        before = cpu.read(self.product.kinds())
        result = generator.run(self.product.port, requests, 1)
        return self._round(result, before, expected, result.seconds, by=OWN)

    def paced(self, requests: Sequence[bytes], per_second: float, connections: int, expected: Sequence[int]) -> Round:
        """Measure an open loop; its latencies run from the instants at which the requests were due."""
        before = cpu.read(self.product.kinds())
        work = generator.paced(self.product.port, requests, connections, per_second)
        result = generator.result_of(Driver(work).finish())
        found = self._round(result, before, expected, result.seconds, by=OWN)
        return replace(found, note=NOT_HELD if result.answers < len(requests) else "")

    def _run(self, port: int, requests: Sequence[bytes], connections: int, *, cycles: bool) -> Result:
        run = wrk.run if self.generator == WRK else generator.run
        return run(port, requests, connections, self.seconds, cycles=cycles)

    def _round(
        self,
        result: Result,
        before: cpu.Seconds,
        expected: Sequence[int],
        seconds: float,
        *,
        updates_each: int = 1,
        by: str = "",
        kinds: Mapping[str, psutil.Process] | None = None,
    ) -> Round:
        used = cpu.between(before, cpu.read(kinds or self.product.kinds()))
        count = result.answers * updates_each
        return Round(
            per_second=count / seconds if seconds else None,
            compares=not by,
            p50=result.p50,
            p99=result.p99,
            cpu=cpu.per_request(used, count),
            statuses=result.statuses,
            generator=by or self.generator,
            problem=problem_of(result.statuses, expected, result.failures),
        )


def chosen(asked: str) -> str:
    """Return the generator that is used: what was asked for, or wrk where it is installed. Raises RuntimeError."""
    if asked == WRK and not wrk.is_installed():
        raise RuntimeError("wrk is not installed here")
    if asked == "auto":
        return WRK if wrk.is_installed() else OWN
    return asked


def described(name: str) -> str:
    """Return what a generator is; for our own one also how far it gets here with a server that only answers."""
    if name == WRK:
        return wrk.version()
    return f"generator of our own, {generator.ceiling():,.0f} requests/s with a server that only answers"
