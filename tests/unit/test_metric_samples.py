"""Samples of metrics: what happened between two readings, on several machines, and in a row."""

import subprocess
import sys
from pathlib import Path

import pytest

from common.core import metric_readings
from common.core.metric_readings import BOUNDS
from common.domain import metric_figures, metric_samples
from common.domain.metric_samples import Reading, Sample

ROOT = Path(__file__).resolve().parents[2]

# In a process of its own: prometheus-client asks once, when it is imported, whether its values go into files.
_COUNTING = """
from common.core import metrics
metrics.UPDATES.labels("applied").inc(5)
metrics.CACHE_READS.labels("board", "hit").inc(3)
metrics.CACHE_READS.labels("user_details", "hit").inc()
metrics.RESPONSE_SECONDS.labels("/api/scores/update", "POST", 200).observe(0.004)
metrics.RESPONSE_SECONDS.labels("/api/scores/leaderboard", "GET", 200).observe(0.03)
metrics.RESPONSE_SECONDS.labels("/api/scores/leaderboard", "GET", 200).observe(60)
metrics.VIEWERS.inc(4)
metrics.VIEWERS_OF_BOARD.labels("main").inc(4)
metrics.VIEWERS_OF_BOARD.labels("laps")
"""


def test_a_reading_has_the_metrics_of_all_processes_of_a_folder(tmp_path: Path) -> None:
    for _ in range(2):
        environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
        subprocess.run([sys.executable, "-c", _COUNTING], cwd=ROOT, env=environment, check=True)
    counts, buckets, gauges = metric_readings.read(tmp_path)
    assert counts["updates.applied"] == 10
    assert counts["cache.hit"] == 8, "of both caches"
    assert gauges == {"viewers": 8, "viewers.main": 8}
    assert len(buckets["answers"]) == len(BOUNDS) + 1
    assert (sum(buckets["answers"]), buckets["answers"][-1]) == (6, 2)
    assert sum(buckets["submits"]) == 2


def test_a_sample_has_what_was_counted_since_the_reading_before() -> None:
    before = Reading(100.0, {"a": 3, "b": 7, "redis.accepted": 50}, {"answers": (1, 2, 0)}, {"viewers": 1})
    after = Reading(110.0, {"a": 5, "b": 7, "c": 1, "redis.accepted": 61}, {"answers": (4, 2, 1)}, {"viewers": 2})
    assert metric_samples.between(before, after) == Sample(
        10.0, {"a": 2, "c": 1, "redis.accepted": 11}, {"answers": (3, 0, 1)}, {"viewers": 2}
    )


def test_what_began_anew_counts_from_zero_and_what_redis_had_not_told_counts_nothing() -> None:
    before = Reading(0.0, {"a": 100}, {"answers": (100, 0)}, {})
    after = Reading(10.0, {"a": 4, "redis.accepted": 9_000}, {"answers": (3, 1)}, {})
    sample = metric_samples.between(before, after)
    assert sample.counts == {"a": 4}
    assert sample.buckets == {"answers": (3, 1)}


def test_machines_are_added_up_and_what_all_read_from_redis_is_not() -> None:
    one = Sample(
        10.0, {"a": 10, "redis.accepted": 40}, {"answers": (1, 1)}, {"viewers": 3, "viewers.main": 3, "depth": 5}
    )
    other = Sample(5.0, {"a": 10, "redis.accepted": 20}, {"answers": (2,)}, {"viewers": 4, "depth": 2})
    together = metric_samples.beside([one, other])
    assert together.seconds == 10.0
    assert together.counts == {"a": 30, "redis.accepted": 40}, "the shorter sample is stretched"
    assert together.buckets == {"answers": (5, 1)}
    assert together.gauges == {"viewers": 7, "viewers.main": 3, "depth": 5}


def test_samples_of_a_slot_are_those_of_each_machine_in_a_row_and_all_machines_beside_each_other() -> None:
    rows = [
        (100.0, "one", Sample(5.0, {"a": 1}, {}, {"viewers": 9})),
        (104.0, "two", Sample(10.0, {"a": 4}, {}, {"viewers": 1})),
        (105.0, "one", Sample(5.0, {"a": 2}, {}, {"viewers": 2})),
        (110.0, "one", Sample(10.0, {"a": 8}, {}, {})),
    ]
    slots = metric_samples.in_slots(rows, 10)
    assert [(at, each.counts["a"], each.gauges.get("viewers")) for at, each in slots] == [(100, 7, 3), (110, 8, None)]


def test_a_sample_is_the_same_after_it_was_kept() -> None:
    sample = Sample(9.998, {"errors.rate_limited": 3.0}, {"answers": (0.0, 2.0, 0.0)}, {"oldest": 0.25})
    kept = metric_samples.from_wire(metric_samples.to_wire(sample))
    assert kept == Sample(9.998, sample.counts, {"answers": (0.0, 2.0)}, sample.gauges), "but for zeros at an end"
    with pytest.raises((KeyError, TypeError, ValueError)):
        metric_samples.from_wire({"s": 1, "c": {"a": "many"}, "b": {}, "g": {}})


@pytest.mark.parametrize(
    ("share", "values", "expected"),
    [
        (0.5, (), None),
        (0.5, (0, 0, 0), None),
        (0.5, (10, 0, 0), 0.5),
        (0.5, (0, 10, 0), 1.5),
        (0.99, (50, 49, 1), 2.0),
        (0.999, (0, 0, 1), 2.0),
    ],
)
def test_a_quantile_is_interpolated_within_its_bucket(
    share: float, values: tuple[float, ...], expected: float | None
) -> None:
    assert metric_samples.quantile(share, values, (1.0, 2.0)) == expected


def test_figures_are_rates_shares_and_means() -> None:
    counts = {
        "updates.applied": 50,
        "errors.rate_limited": 5,
        "limits.address": 5,
        "cache.hit": 99,
        "cache.miss": 1,
        "batches": 4,
        "batched": 50,
        "standings": 200,
        "redis.accepted": 60,
    }
    figures = metric_figures.of(Sample(10.0, counts, {"answers": (10,)}, {"depth": 7, "viewers": 3, "viewers.main": 3}))
    assert (figures.accepted, figures.applied, figures.refused) == (6.0, 5.0, 0.0)
    assert (figures.errors, figures.limit_violations) == ({"rate_limited": 0.5}, {"address": 0.5})
    assert (figures.cache_hit_share, figures.batch_size, figures.standings_per_update) == (0.99, 12.5, 4.0)
    assert (figures.inbox_depth, figures.oldest_seconds, figures.drift) == (7, 0.0, None)
    assert figures.answer_seconds == (BOUNDS[0] / 2, BOUNDS[0] * 0.95, BOUNDS[0] * 0.99)
    assert figures.submit_seconds is None


def test_what_is_not_known_is_none_and_not_zero() -> None:
    figures = metric_figures.of(Sample(10.0))
    assert figures.accepted is figures.inbox_depth is figures.oldest_seconds is figures.cache_hit_share is None
    assert (figures.viewers, metric_figures.viewers_by_board(Sample(10.0))) == (0, {})
