"""What a sample says to a person: rates, shares and percentiles. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from common.core.metric_readings import BOUNDS
from common.domain.metric_samples import OF_REDIS, VIEWERS, Sample, quantile


class Percentiles(NamedTuple):
    """Durations in seconds that half, 95 and 99 of a hundred do not exceed."""

    p50: float
    p95: float
    p99: float


class Figures(NamedTuple):
    """The figures of a sample, per second unless they say otherwise. None: nothing is known, or nothing happened."""

    accepted: float | None
    applied: float
    refused: float
    quarantined: int
    """How many in the whole span."""
    answers: float
    errors: Mapping[str, float]
    limit_violations: Mapping[str, float]
    cache_hit_share: float | None
    viewers: int
    inbox_depth: int | None
    oldest_seconds: float | None
    batch_size: float | None
    standings_per_update: float | None
    drift: int | None
    chores_waiting: int | None
    answer_seconds: Percentiles | None
    submit_seconds: Percentiles | None
    applied_seconds: Percentiles | None
    shown_seconds: Percentiles | None


def of(sample: Sample) -> Figures:
    """Return the figures of a sample."""
    counts, gauges = sample.counts, sample.gauges
    seconds = sample.seconds or 1.0
    hits, misses = counts.get("cache.hit", 0.0), counts.get("cache.miss", 0.0)
    batched = counts.get("batched", 0.0)
    accepted = counts.get(f"{OF_REDIS}accepted", 0.0) if "depth" in gauges else None
    return Figures(
        accepted=None if accepted is None else _rate(accepted, seconds),
        applied=_rate(counts.get("updates.applied", 0.0), seconds),
        refused=_rate(counts.get("updates.refused", 0.0), seconds),
        quarantined=round(counts.get("updates.quarantined", 0.0)),
        answers=_rate(sum(sample.buckets.get("answers", ())), seconds),
        errors=_rates(counts, "errors.", seconds),
        limit_violations=_rates(counts, "limits.", seconds),
        cache_hit_share=round(hits / (hits + misses), 4) if hits + misses else None,
        viewers=round(gauges.get(VIEWERS, 0.0)),
        inbox_depth=_whole(gauges, "depth"),
        oldest_seconds=gauges.get("oldest", 0.0) if "depth" in gauges else None,
        batch_size=round(batched / counts["batches"], 1) if counts.get("batches") else None,
        standings_per_update=round(counts.get("standings", 0.0) / batched, 2) if batched else None,
        drift=_whole(gauges, "drift"),
        chores_waiting=_whole(gauges, "chores"),
        answer_seconds=_percentiles(sample, "answers"),
        submit_seconds=_percentiles(sample, "submits"),
        applied_seconds=_percentiles(sample, "applied"),
        shown_seconds=_percentiles(sample, "shown"),
    )


def viewers_by_board(sample: Sample) -> dict[str, int]:
    """Return how many viewers each board has, without the boards that have none."""
    begin = f"{VIEWERS}."
    return {
        name.removeprefix(begin): round(value)
        for name, value in sample.gauges.items()
        if name.startswith(begin) and value
    }


def _rate(count: float, seconds: float) -> float:
    return round(count / seconds, 3)


def _rates(counts: Mapping[str, float], begin: str, seconds: float) -> dict[str, float]:
    found = {name.removeprefix(begin): value for name, value in counts.items() if name.startswith(begin)}
    return {name: _rate(value, seconds) for name, value in sorted(found.items())}


def _whole(gauges: Mapping[str, float], name: str) -> int | None:
    return round(gauges[name]) if name in gauges else None


def _percentiles(sample: Sample, name: str) -> Percentiles | None:
    values: Sequence[float] = sample.buckets.get(name, ())
    found = [quantile(share, values, BOUNDS) for share in (0.5, 0.95, 0.99)]
    known = [round(value, 5) for value in found if value is not None]
    return Percentiles(*known) if len(known) == len(found) else None
