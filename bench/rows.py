"""A row of the table: what one round measured, and the medians of several rounds."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Round:
    """One round of a row.

    `requests` is what the CPU time is shared among. `p50` and `p99` are in milliseconds, `cpu` in microseconds a
    request, by kind of process. A rate that was given, or that one client makes, compares with no floor. A `problem`
    says why the figures must not be believed.
    """

    per_second: float | None = None
    compares: bool = True
    p50: float | None = None
    p99: float | None = None
    cpu: Mapping[str, float] = field(default_factory=dict)
    statuses: Mapping[int, int] = field(default_factory=dict)
    generator: str = ""
    note: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Row:
    """The medians of a row's rounds. `ratio` is its rate as a part of the floor's in the same run."""

    name: str
    per_second: float | None
    ratio: float | None
    p50: float | None
    p99: float | None
    cpu: Mapping[str, float]
    statuses: Mapping[int, int]
    generator: str
    note: str
    problem: str


def median_of(name: str, rounds: Sequence[Round], floor: float | None) -> Row:
    """Return the row of these rounds. One round with a problem gives the row that problem."""
    rate = _median([one.per_second for one in rounds])
    kinds = sorted({kind for one in rounds for kind in one.cpu})
    statuses: Counter[int] = Counter()
    for one in rounds:
        statuses.update(one.statuses)
    return Row(
        name=name,
        per_second=rate,
        ratio=rate / floor if rate and floor and rounds[0].compares else None,
        p50=_median([one.p50 for one in rounds]),
        p99=_median([one.p99 for one in rounds]),
        cpu={kind: statistics.median(one.cpu.get(kind, 0.0) for one in rounds) for kind in kinds},
        statuses=dict(statuses),
        generator=rounds[-1].generator,
        note=rounds[-1].note,
        problem=next((one.problem for one in rounds if one.problem), ""),
    )


def problem_of(statuses: Mapping[int, int], expected: Sequence[int], failures: int) -> str:
    """Return what is wrong with the answers of a load: a status that was not expected, none at all, a broken one."""
    wrong = {status: count for status, count in statuses.items() if status not in expected}
    if wrong:
        return f"unexpected answers: {wrong}"
    if failures:
        return f"{failures} requests without an answer"
    return "" if sum(statuses.values()) else "no answers"


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
