"""The metrics that the dashboard shows, read from the files that all processes of a machine write."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from prometheus_client import multiprocess
from prometheus_client.samples import Sample

from common.core import metrics

COUNTERS: Mapping[str, tuple[str, str | None]] = {
    "scoreboard_updates_total": ("updates", "outcome"),
    "scoreboard_errors_total": ("errors", "code"),
    "scoreboard_rate_limit_violations_total": ("limits", "limit"),
    "scoreboard_cache_reads_total": ("cache", "result"),
    "scoreboard_standings_total": ("standings", None),
    "scoreboard_batch_size_count": ("batches", None),
    "scoreboard_batch_size_sum": ("batched", None),
}
"""How the counters are called here, and the label by whose values they are told apart: `errors.rate_limited`."""

HISTOGRAMS = {
    "scoreboard_response_seconds_bucket": "answers",
    "scoreboard_applied_seconds_bucket": "applied",
    "scoreboard_shown_seconds_bucket": "shown",
}
SUBMITS, SUBMIT_ROUTE = "submits", "/api/scores/update"
"""Beside all answers, those to score updates of players."""

GAUGES: Mapping[str, tuple[str, str | None]] = {
    "scoreboard_websocket_connections": ("viewers", None),
    "scoreboard_board_viewers": ("viewers", "board"),
    "scoreboard_drift_rows": ("drift", None),
}
"""The same for gauges. Of those with a label only what is not 0 is told."""

BOUNDS = metrics.SECONDS_BUCKETS
"""The upper bounds of every histogram of `HISTOGRAMS`; a last bucket has none."""


class Readings(NamedTuple):
    """What the metrics have counted since their processes began. Buckets are not accumulated."""

    counts: dict[str, float]
    buckets: dict[str, tuple[float, ...]]
    gauges: dict[str, float]


def read(folder: Path) -> Readings:
    """Return the metrics of all processes that write into this folder."""
    found = Readings({}, {}, {})
    accumulated: dict[str, dict[float, float]] = {}
    collector = multiprocess.MultiProcessCollector(None, str(folder))  # type: ignore[no-untyped-call]  # prometheus-client
    for family in collector.collect():  # type: ignore[no-untyped-call]  # prometheus-client
        for sample in family.samples:
            if sample.name in HISTOGRAMS:
                _add_bucket(accumulated, sample)
            elif sample.name in COUNTERS:
                name = _name(COUNTERS[sample.name], sample)
                found.counts[name] = found.counts.get(name, 0.0) + sample.value
            elif sample.name in GAUGES and (sample.value or not sample.labels):
                found.gauges[_name(GAUGES[sample.name], sample)] = sample.value
    for name, totals in accumulated.items():
        found.buckets[name] = _apart([totals[bound] for bound in sorted(totals)])
    return found


def _name(called: tuple[str, str | None], sample: Sample) -> str:
    name, label = called
    return name if label is None else f"{name}.{sample.labels[label]}"


def _add_bucket(accumulated: dict[str, dict[float, float]], sample: Sample) -> None:
    names = [HISTOGRAMS[sample.name]]
    if sample.labels.get("route") == SUBMIT_ROUTE and sample.labels.get("method") == "POST":
        names.append(SUBMITS)
    bound = float(sample.labels["le"])
    for name in names:
        totals = accumulated.setdefault(name, {})
        totals[bound] = totals.get(bound, 0.0) + sample.value


def _apart(totals: list[float]) -> tuple[float, ...]:
    """Return how many values each bucket holds alone."""
    return tuple(total - below for below, total in zip([0.0, *totals], totals, strict=False))
