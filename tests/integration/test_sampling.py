"""The sampler: what the metrics of a machine have counted, in a file and in Redis, and what happens when that fails."""

import copy
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from common.core import metric_readings
from common.core.metric_readings import Readings
from common.core.settings import Settings
from common.domain.metric_samples import Sample
from common.redis_store import keys, samples
from common.services import sampling
from common.services.sampling import Sampler
from tests.documents import documented_application
from tests.inbox import accept, add_users, drain_completely
from tests.integration.test_overview import get
from tests.player import admin, error_code, register
from workers.state import WorkerState

MACHINE = "here:9100"
AWAY = "redis://127.0.0.1:1/0"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(sampling.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets the metrics show that so many updates have been applied."""

    def show(applied: int) -> None:
        found = Readings({"updates.applied": float(applied)}, {"answers": (float(applied),)}, {"viewers": 2.0})
        monkeypatch.setattr(metric_readings, "read", lambda _folder: copy.deepcopy(found))

    return show


def test_what_was_counted_between_two_turns_is_in_a_file_and_in_redis(
    settings: Settings, worker: WorkerState, folder: Path, counted: Callable[[int], None]
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    sampler = Sampler(settings, folder, MACHINE)
    counted(10)
    sampler.turn()
    newest = sampling.newest(folder)
    assert newest
    assert newest.sample is None, "nothing is known of the time before"
    assert list(samples.since(worker.redis, before)) == []
    for user_id in add_users(worker.engine, 2):
        accept(worker, user_id)
    counted(13)
    sampler.turn()
    newest = sampling.newest(folder)
    (stored,) = samples.since(worker.redis, before)
    assert newest
    assert newest.sample == stored.sample
    assert stored.machine == MACHINE
    assert stored.sample.counts == {"updates.applied": 3, "redis.accepted": 2}
    assert stored.sample.gauges["depth"] == 2
    assert stored.sample.gauges["oldest"] >= 0
    assert newest.trouble is None


def test_one_process_of_a_machine_samples_and_the_next_one_when_it_is_gone(
    settings: Settings, worker: WorkerState, folder: Path, counted: Callable[[int], None]
) -> None:
    counted(1)
    first, second = Sampler(settings, folder, MACHINE), Sampler(settings, folder, MACHINE)
    for sampler in (first, second, first, second):
        sampler.turn()
    assert worker.redis.xlen(keys.SAMPLES) == 1
    first.close_inherited()
    for _ in range(2):
        second.turn()
    assert worker.redis.xlen(keys.SAMPLES) == 2


def test_only_so_many_hours_are_kept(worker: WorkerState) -> None:
    long_ago = int((time.time() - 7200) * 1000)
    for number in range(300):  # Redis trims whole blocks of a hundred rows
        worker.redis.xadd(keys.SAMPLES, {"machine": MACHINE, "sample": "{}"}, id=f"{long_ago}-{number + 1}")
    samples.add(worker.redis, MACHINE, Sample(10.0), timedelta(hours=1))
    assert worker.redis.xlen(keys.SAMPLES) <= 101


def test_a_redis_that_is_away_is_told_of_and_the_file_is_written_all_the_same(
    settings: Settings, folder: Path, counted: Callable[[int], None]
) -> None:
    sampler = Sampler(settings.model_copy(update={"redis_url": AWAY, "broker_url": AWAY}), folder, MACHINE)
    for applied in (1, 3):
        counted(applied)
        sampler.turn()
    newest = sampling.newest(folder)
    assert newest
    assert newest.sample
    assert newest.sample.counts == {"updates.applied": 2}
    assert "depth" not in newest.sample.gauges
    assert newest.trouble == "ConnectionError"


def test_readiness_names_a_sampler_that_is_late_or_cannot_store(client: FlaskClient, folder: Path, app: Flask) -> None:
    told = app.extensions["scoreboard"].readiness._metrics_not_sampled
    app.extensions["scoreboard"].readiness._metrics_folder = folder
    assert told() == [], "nobody has ever sampled here"
    (folder / "sample.json").write_bytes(orjson.dumps({"at": time.time(), "sample": None, "trouble": None}))
    assert told() == []
    (folder / "sample.json").write_bytes(orjson.dumps({"at": time.time(), "sample": None, "trouble": "DataError"}))
    assert "DataError" in told()[0]
    (folder / "sample.json").write_bytes(orjson.dumps({"at": time.time() - 61, "sample": None, "trouble": None}))
    assert "not sampled" in told()[0]
    (folder / "sample.json").write_bytes(b"{")
    assert "not sampled" in told()[0]


def test_admins_read_what_is_now_and_what_was(
    client: FlaskClient, worker: WorkerState, settings: Settings, folder: Path, counted: Callable[[int], None]
) -> None:
    chief = admin(client, worker.engine)
    samples.add(worker.redis, "elsewhere:9101", Sample(10.0, {"batched": 4, "batches": 2}), timedelta(hours=1))
    sampler = Sampler(settings, folder, sampling.machine_name(settings.metrics_port))
    for applied in (10, 20):
        counted(applied)
        sampler.turn()
    body = get(chief, "metrics").get_json()
    assert body["history"] == "kept"
    now = body["now"]
    assert now["sample"]["batchSize"] == 2.0, "of another machine"
    assert now["sample"]["viewers"] == 2, "of this machine, once"
    assert now["sample"]["applied"] > 0
    assert now["sample"]["answerSeconds"]["p50"] <= 0.001
    assert (now["quarantine"], now["closingLagSeconds"]) == (0, 0)
    assert {"boardId": "main", "players": 0, "updates": 0, "viewers": 0, "endsAt": None} in now["boards"]
    assert body["samples"]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert get(chief, "metrics", since=later).get_json()["samples"] == []
    assert get(chief, "metrics", since="yesterday").status_code == 400
    assert get(register(client, "ada"), "metrics").status_code == 403


def test_without_redis_the_row_of_now_still_answers(
    client: FlaskClient, worker: WorkerState, settings: Settings, folder: Path, counted: Callable[[int], None]
) -> None:
    chief = admin(client, worker.engine)
    without = settings.model_copy(update={"redis_url": AWAY, "broker_url": AWAY, "limiter_url": AWAY})
    sampler = Sampler(without, folder, sampling.machine_name(settings.metrics_port))
    for applied in (10, 20):
        counted(applied)
        sampler.turn()
    with documented_application(without) as application:
        answer = application.test_client().get("/api/admin/metrics", headers=chief.headers)
        assert answer.status_code == 200, error_code(answer)
        body = answer.get_json()
        assert (body["history"], body["samples"]) == ("away", [])
        assert body["now"]["sample"]["viewers"] == 2
        assert body["now"]["sample"]["inboxDepth"] is None
        assert body["now"]["quarantine"] == 0


def test_a_batch_tells_how_old_its_oldest_update_is_and_how_many_standings_it_changes(worker: WorkerState) -> None:
    def told() -> list[float]:
        names = ("scoreboard_applied_seconds_count", "scoreboard_standings_total", "scoreboard_batch_size_sum")
        return [REGISTRY.get_sample_value(name) or 0.0 for name in names]

    for user_id in add_users(worker.engine, 2):
        accept(worker, user_id)
    before = told()
    drain_completely(worker)
    batches, standings, updates = (now - then for now, then in zip(told(), before, strict=True))
    assert (standings, updates) == (8, 2), "all, daily, weekly and monthly for each of two players"
    assert 1 <= batches <= 2


def test_a_row_that_cannot_be_read_is_passed_over(worker: WorkerState) -> None:
    samples.add(worker.redis, MACHINE, Sample(10.0, {"a": 1}), timedelta(hours=1))
    worker.redis.xadd(keys.SAMPLES, {"machine": MACHINE, "sample": "[]"})
    worker.redis.xadd(keys.SAMPLES, {"of": "another version"})
    read = list(samples.since(worker.redis, datetime.now(UTC) - timedelta(minutes=1)))
    assert [each.sample.counts for each in read] == [{"a": 1}]
