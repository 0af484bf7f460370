"""What happened between two readings of the metrics, small enough to be kept by the thousand. Pure.

A reading has what the metrics have counted since their processes began. A sample is the difference of two readings:
how often each thing was counted, how many values fell into each bucket of a histogram, and what the gauges showed at
its end. Samples of one span of time, of different machines, and of spans that follow each other are added up.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, zip_longest
from typing import Any

Counts = Mapping[str, float]
Buckets = Mapping[str, tuple[float, ...]]

VIEWERS = "viewers"
"""The gauge that each machine has a part of; `viewers.main` are those of a board. Of the other gauges all machines show
one thing, and the greatest is told."""

OF_REDIS = "redis."
"""How the names of counts begin that every machine reads from the same Redis, so that they are not added up."""


@dataclass(frozen=True)
class Reading:
    """The metrics of one machine at an instant of a clock that never goes back, in seconds.

    `buckets` are those of histograms, not accumulated, the last one without a bound.
    """

    at: float
    counts: Counts
    buckets: Buckets
    gauges: Counts


@dataclass(frozen=True)
class Sample:
    """What happened within `seconds`."""

    seconds: float
    counts: Counts = field(default_factory=dict)
    buckets: Buckets = field(default_factory=dict)
    gauges: Counts = field(default_factory=dict)


def between(earlier: Reading, later: Reading) -> Sample:
    """Return what happened between two readings. A count that has become smaller began anew at 0."""
    counts = {
        name: _grown(earlier.counts.get(name, 0.0), value)
        for name, value in later.counts.items()
        if name in earlier.counts or not name.startswith(OF_REDIS)  # else Redis was away, and nobody knows
    }
    buckets = {name: _grown_buckets(earlier.buckets.get(name, ()), values) for name, values in later.buckets.items()}
    return Sample(
        round(later.at - earlier.at, 3),
        {name: value for name, value in counts.items() if value},
        {name: values for name, values in buckets.items() if any(values)},
        dict(later.gauges),
    )


def _grown(earlier: float, later: float) -> float:
    return later - earlier if later >= earlier else later


def _grown_buckets(earlier: Sequence[float], later: Sequence[float]) -> tuple[float, ...]:
    if sum(later) < sum(earlier):
        return tuple(later)
    return tuple(max(0.0, new - old) for new, old in zip_longest(later, earlier, fillvalue=0.0))


def beside(samples: Iterable[Sample]) -> Sample:
    """Return the samples of different machines, of about the same time, as one as long as the longest of them."""
    kept = list(samples)
    seconds = max(each.seconds for each in kept)
    stretched = [_stretched(each, seconds) for each in kept]
    counts: dict[str, float] = {}
    for sample in stretched:
        for name, value in sample.counts.items():
            known = counts.get(name, 0.0)
            counts[name] = max(known, value) if name.startswith(OF_REDIS) else known + value
    return Sample(seconds, counts, _added_buckets(stretched), _gauges_beside(stretched))


def _stretched(sample: Sample, seconds: float) -> Sample:
    """Return the sample as if it had gone on as it did for as many seconds."""
    if not sample.seconds or sample.seconds == seconds:
        return sample
    share = seconds / sample.seconds
    counts = {name: value * share for name, value in sample.counts.items()}
    buckets = {name: tuple(value * share for value in values) for name, values in sample.buckets.items()}
    return Sample(seconds, counts, buckets, sample.gauges)


def in_a_row(samples: Iterable[Sample]) -> Sample:
    """Return samples that follow each other as one of the whole span. Gauges are those of its end."""
    kept = list(samples)
    counts: dict[str, float] = {}
    for sample in kept:
        for name, value in sample.counts.items():
            counts[name] = counts.get(name, 0.0) + value
    return Sample(sum(each.seconds for each in kept), counts, _added_buckets(kept), kept[-1].gauges)


def _added_buckets(samples: Iterable[Sample]) -> Buckets:
    added: dict[str, tuple[float, ...]] = {}
    for sample in samples:
        for name, values in sample.buckets.items():
            pairs = zip_longest(added.get(name, ()), values, fillvalue=0.0)
            added[name] = tuple(one + other for one, other in pairs)
    return added


def _gauges_beside(samples: Iterable[Sample]) -> Counts:
    gauges: dict[str, float] = {}
    for sample in samples:
        for name, value in sample.gauges.items():
            known = gauges.get(name)
            is_part = name.partition(".")[0] == VIEWERS
            gauges[name] = value if known is None else known + value if is_part else max(known, value)
    return gauges


def in_slots(stored: Iterable[tuple[float, str, Sample]], seconds: int) -> list[tuple[int, Sample]]:
    """Return samples of many machines as one for each slot of so many seconds, by the beginnings of the slots.

    Each is given with its instant in Unix seconds and its machine, in the order of time.
    """
    slots: dict[int, dict[str, list[Sample]]] = {}
    for at, machine, sample in stored:
        slots.setdefault(int(at // seconds) * seconds, {}).setdefault(machine, []).append(sample)
    return [(at, beside(map(in_a_row, machines.values()))) for at, machines in sorted(slots.items())]


def quantile(share: float, values: Sequence[float], bounds: Sequence[float]) -> float | None:
    """Return the value that this share of a histogram's values does not exceed, as Prometheus' `histogram_quantile`.

    Within a bucket it is interpolated; beyond the last bound it is that bound. None if there are no values.
    """
    totals = list(accumulate(values))
    if not totals or not totals[-1]:
        return None
    wanted = share * totals[-1]
    index = bisect_left(totals, wanted)
    if index >= len(bounds):
        return bounds[-1]
    low = bounds[index - 1] if index else 0.0
    below = totals[index - 1] if index else 0.0
    return low + (bounds[index] - low) * (wanted - below) / values[index] if values[index] else low


def to_wire(sample: Sample) -> dict[str, Any]:
    """Return the sample for JSON, as small as it can be: zeros at the ends of histograms are left out."""
    return {
        "s": sample.seconds,
        "c": {name: _small(value) for name, value in sample.counts.items()},
        "b": {name: [_small(value) for value in _trimmed(values)] for name, values in sample.buckets.items()},
        "g": {name: _small(value) for name, value in sample.gauges.items()},
    }


def from_wire(stored: Mapping[str, Any]) -> Sample:
    """Return a stored sample. Raises KeyError, TypeError or ValueError for anything else."""
    return Sample(
        float(stored["s"]),
        {str(name): float(value) for name, value in stored["c"].items()},
        {str(name): tuple(float(value) for value in values) for name, values in stored["b"].items()},
        {str(name): float(value) for name, value in stored["g"].items()},
    )


def _trimmed(values: Sequence[float]) -> Sequence[float]:
    return values[: max((index + 1 for index, value in enumerate(values) if value), default=0)]


def _small(value: float) -> float:
    return int(value) if value == int(value) else round(value, 3)
