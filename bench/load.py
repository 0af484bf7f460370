"""What a load found."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Result(NamedTuple):
    """The result of a load. Latencies are in milliseconds; `statuses` counts every answer by its HTTP status."""

    seconds: float
    p50: float
    p99: float
    statuses: Mapping[int, int]
    failures: int = 0
    """Requests without an answer: refused, broken or timed out connections."""

    @property
    def answers(self) -> int:
        return sum(self.statuses.values())

    @property
    def per_second(self) -> float:
        return self.answers / self.seconds if self.seconds else 0.0


def of_latencies(latencies: Sequence[float], statuses: Mapping[int, int], seconds: float, failures: int = 0) -> Result:
    """Return the result of these latencies, in any order."""
    ordered = sorted(latencies) or [0.0]
    return Result(seconds, percentile(ordered, 50), percentile(ordered, 99), Counter(statuses), failures)


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return a percentile of values in ascending order, by the nearest rank above."""
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
