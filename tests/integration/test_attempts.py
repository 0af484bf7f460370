"""What workers try in vain is counted, shown, and told once; and nothing keeps the rest from being done."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient
from prometheus_client import Counter, Gauge
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from structlog.testing import capture_logs

from common.core import metrics, task_names
from common.redis_store import failing, keys
from common.redis_store.keys import BoardKeys
from dev.harness.waiting import wait_until
from tests.command_line import CommandLine
from tests.inbox import accept, add_users, drain_completely
from web.api import readiness
from workers import closing, failures, maintenance, verifying
from workers import tasks as worker_tasks
from workers.app import app
from workers.failures import STUCK_AFTER, is_away, try_each
from workers.state import WorkerState

Logs = list[Any]

TAKES_TURN = maintenance.takes_turn


@pytest.fixture
def sweep(worker: WorkerState, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The tasks that a sweep has sent."""
    monkeypatch.setenv("REDIS_URL", worker.settings.redis_url)  # Celery reads its settings with its first task
    sent: list[str] = []
    monkeypatch.setattr(worker_tasks, "state", lambda: worker)
    monkeypatch.setattr(app, "send_task", lambda name, **_: sent.append(name))
    monkeypatch.setattr(maintenance, "takes_turn", lambda *_: True)
    yield sent


def fail(error: Exception) -> Any:  # noqa: ANN401 - stands in for any function
    def act(*_: object) -> None:
        raise error

    return act


def value(metric: Counter | Gauge, **labels: str) -> float:
    return sum(
        sample.value
        for family in metric.collect()
        for sample in family.samples
        if sample.labels.items() >= labels.items() and not sample.name.endswith("_created")
    )


def postgres_error(kind: type[Any], pgcode: str | None = None) -> Exception:
    original = Exception("as psycopg2 says it")
    original.pgcode = pgcode  # type: ignore[attr-defined]
    error: Exception = kind("SELECT", {}, original)
    return error


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (redis.ConnectionError(), True),
        (redis.TimeoutError(), True),
        (redis.OutOfMemoryError(), True),
        (redis.ResponseError("MISCONF Errors writing to the AOF file"), True),
        (redis.ResponseError("too many results to unpack"), False),
        (postgres_error(OperationalError), True),
        (postgres_error(ProgrammingError), False),
        (postgres_error(InterfaceError), False),
        (ConnectionRefusedError(), True),
        (FileNotFoundError(), False),
        (KeyError("a typing error"), False),
        (ExceptionGroup("", [redis.TimeoutError(), redis.ConnectionError()]), True),
        (ExceptionGroup("", [redis.TimeoutError(), KeyError()]), False),
    ],
    ids=repr,
)
def test_only_a_server_that_is_away_is_taken_for_one(error: Exception, away: bool) -> None:
    assert is_away(error) is away


def test_of_many_each_is_tried_and_what_failed_is_raised_together() -> None:
    tried = []

    def act(number: int) -> int:
        tried.append(number)
        if number % 2:
            raise KeyError(number)
        return number

    with pytest.raises(ExceptionGroup) as raised:
        try_each(range(5), act)
    assert tried == [0, 1, 2, 3, 4]
    assert [error.args for error in raised.value.exceptions] == [(1,), (3,)]


def test_a_server_that_cannot_be_reached_is_not_waited_for_again() -> None:
    tried = []

    def act(number: int) -> None:
        tried.append(number)
        raise redis.ConnectionError

    with pytest.raises(redis.ConnectionError):
        try_each(range(5), act)
    assert tried == [0]


def test_what_was_postponed_twenty_times_in_a_row_is_one_error(
    sweep: list[str], monkeypatch: pytest.MonkeyPatch, worker: WorkerState
) -> None:
    before = value(metrics.TASK_POSTPONED, task=task_names.SWEEP)
    with monkeypatch.context() as silent, capture_logs() as logs:
        silent.setattr(worker.inbox, "open", fail(postgres_error(OperationalError)))
        for _ in range(STUCK_AFTER + 5):
            worker_tasks.sweep()
    assert [(line["log_level"], line["event"]) for line in logs if line["log_level"] != "info"] == [
        ("warning", "task_postponed"),
        ("error", "task_stuck"),
    ]
    assert value(metrics.TASK_POSTPONED, task=task_names.SWEEP) - before == STUCK_AFTER + 5
    assert value(metrics.TASK_FAILING, task=task_names.SWEEP) == STUCK_AFTER + 5
    (told,) = failing.read(worker.redis, 0)
    assert (told.times, told.reason) == (STUCK_AFTER + 5, "OperationalError")
    worker_tasks.sweep()
    assert value(metrics.TASK_FAILING, task=task_names.SWEEP) == 0
    assert failing.read(worker.redis, 0) == []


def test_what_is_our_fault_is_an_error_at_once_and_told_once(
    sweep: list[str], monkeypatch: pytest.MonkeyPatch, worker: WorkerState
) -> None:
    counted = {"task": task_names.SWEEP, "reason": "ResponseError"}
    before = value(metrics.TASK_FAILURES, **counted)
    monkeypatch.setattr(worker.rebuilder, "ensure_served", fail(redis.ResponseError("too many results to unpack")))
    worker.redis.delete(BoardKeys("main", "all").meta)
    with capture_logs() as logs:
        for _ in range(3):
            worker_tasks.sweep()
    (line,) = [line for line in logs if line["log_level"] not in ("info", "debug")]
    assert (line["log_level"], line["event"], line["at"]) == ("error", "task_failed", "scores.sweep: boards")
    assert "at ('main', 'all')" in line["detail"]
    assert line["exc_info"]
    assert value(metrics.TASK_FAILURES, **counted) - before == 3
    assert value(metrics.BOARDS_NOT_SERVED) == 1


@pytest.mark.parametrize("step", ["inbox", "revocations", "showing", "chores", "boards"])
def test_a_step_that_fails_keeps_none_of_the_others_from_being_taken(
    sweep: list[str], monkeypatch: pytest.MonkeyPatch, worker: WorkerState, step: str
) -> None:
    taken: list[str] = []
    steps = {
        "inbox": (worker.inbox, "open"),
        "revocations": (maintenance, "load_revocations"),
        "showing": (maintenance, "show_changes"),
        "chores": (worker_tasks, "_check_chores"),
        "boards": (maintenance, "rebuild_small_boards"),
    }
    for name, (owner, function) in steps.items():
        act = fail(KeyError()) if name == step else lambda *_, name=name: taken.append(name)
        if owner is worker.inbox:
            monkeypatch.setattr(type(worker.inbox), function, act)
        else:
            monkeypatch.setattr(owner, function, act)
    (ada,) = add_users(worker.engine, 1)
    accept(worker, ada)
    worker.inbox.reset_doorbell()  # whoever was rung for did not come
    worker_tasks.sweep()
    assert taken == [name for name in steps if name != step]
    assert task_names.APPLY in sweep


def test_a_board_that_cannot_be_filled_keeps_no_other_from_being(
    sweep: list[str], monkeypatch: pytest.MonkeyPatch, worker: WorkerState
) -> None:
    worker.redis.flushdb()
    fill = worker.rebuilder.ensure_served

    def fill_most(board_id: str, period_id: str) -> bool:
        if period_id == "all":
            raise redis.ResponseError("too many results to unpack")
        return fill(board_id, period_id)

    monkeypatch.setattr(worker.rebuilder, "ensure_served", fill_most)
    worker_tasks.sweep()
    assert maintenance._find_unserved(worker) == [("main", "all")]
    assert sweep == [task_names.REBUILD], "large ones are asked for all the same"


def test_large_boards_are_left_to_a_task_of_their_own(
    sweep: list[str], monkeypatch: pytest.MonkeyPatch, worker: WorkerState
) -> None:
    (ada,) = add_users(worker.engine, 1)
    accept(worker, ada)
    drain_completely(worker)
    worker.redis.flushdb()
    monkeypatch.setattr("common.services.rebuild.SMALL", 0)
    worker_tasks.sweep()
    assert sweep == [task_names.REBUILD]
    assert len(maintenance._find_unserved(worker)) == 4
    worker_tasks.rebuild_boards()
    assert maintenance._find_unserved(worker) == []


def test_a_chore_that_has_failed_is_sent_again_by_the_next_sweep_and_runs_before_it_is_due(
    sweep: list[str], monkeypatch: pytest.MonkeyPatch, worker: WorkerState
) -> None:
    monkeypatch.setattr(maintenance, "takes_turn", TAKES_TURN)
    with monkeypatch.context() as broken:
        broken.setattr(verifying, "verify_some", fail(postgres_error(ProgrammingError, "42703")))
        worker_tasks.verify()
    assert [row.name for row in failing.read(worker.redis, 0)] == [task_names.VERIFY]
    worker_tasks.sweep()
    worker_tasks.sweep()
    assert sweep == [task_names.VERIFY], "at most once in a few seconds"
    worker_tasks.verify()
    assert failing.read(worker.redis, 0) == []


def test_a_pile_of_a_chores_messages_is_not_worked_off_while_a_server_is_away(
    sweep: list[str], monkeypatch: pytest.MonkeyPatch, worker: WorkerState
) -> None:
    monkeypatch.setattr(maintenance, "takes_turn", TAKES_TURN)
    attempts: list[None] = []

    def be_away(_: WorkerState) -> None:
        attempts.append(None)
        raise postgres_error(OperationalError)

    monkeypatch.setattr(verifying, "verify_some", be_away)
    for _ in range(3):
        worker_tasks.verify()
    assert len(attempts) == 1
    assert sweep == []


def test_a_period_that_cannot_be_closed_keeps_no_other_from_being(
    worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ada,) = add_users(worker.engine, 1)
    accept(worker, ada)
    drain_completely(worker)
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE periods SET starts_at = 'epoch', ends_at = 'epoch'"))
        first = connection.scalar(text("SELECT min(period_id) FROM periods"))
    close = closing._close

    def close_most(worker: WorkerState, period: Any, now: Any) -> Any:  # noqa: ANN401 - passed on as they are
        if period.period_id == first:
            raise KeyError(first)
        return close(worker, period, now)

    monkeypatch.setattr(closing, "_close", close_most)
    with pytest.raises(KeyError):
        closing.close_ended(worker)
    with worker.engine.connect() as connection:
        assert connection.scalars(text("SELECT period_id FROM periods WHERE closed_at IS NULL")).all() == [first]


def test_readiness_names_what_is_degraded_and_goes_on(
    client: FlaskClient, worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "UNSERVED_AFTER_SECONDS", 0.0)
    assert client.get("/readyz").get_json()["status"] == "ready"
    worker.redis.delete(BoardKeys("main", "all").meta)
    failing.put(worker.redis, "scores.sweep: boards", 20, "ResponseError", 4_000_000_000)
    failing.put(worker.redis, "long ago", 20, "ResponseError", 0)
    wait_until(lambda: client.get("/readyz").get_json()["status"] == "degraded")
    answer = client.get("/readyz")
    assert answer.status_code == 200
    body = answer.get_json()
    assert body["degraded"] == [
        "main all is not served by Redis",
        "scores.sweep: boards has failed 20 times in a row (ResponseError)",
    ]
    assert {name for name, state in body["parts"].items() if state == "degraded"} == {"boards", "tasks"}
    maintenance.repair(worker)
    worker.redis.delete(keys.FAILING)
    wait_until(lambda: client.get("/readyz").get_json()["status"] == "ready")


def test_the_command_tells_a_server_that_refuses_from_one_that_is_away(
    command_line: CommandLine, worker: WorkerState
) -> None:
    worker.redis.set(BoardKeys("main", "all").meta, "no hash")
    done = command_line("rebuild", "--board", "main", "--period", "all")
    assert done.returncode == 1
    assert done.stderr.startswith("scoreboard: Redis refuses this: ")
    assert "WRONGTYPE" in done.stderr


def test_a_failure_is_told_for_a_minute(worker: WorkerState) -> None:
    failing.put(worker.redis, "scores.sweep", 20, "TimeoutError", now=1000.0)
    assert [row.name for row in failing.read(worker.redis, 1000.0 + failing.TOLD_SECONDS - 1)] == ["scores.sweep"]
    assert failing.read(worker.redis, 1000.0 + failing.TOLD_SECONDS) == []
    assert worker.redis.ttl(keys.FAILING) > 0


def test_what_a_process_that_is_gone_could_not_do_is_told_until_another_does_it(worker: WorkerState) -> None:
    failing.put(worker.redis, task_names.TIDY, 20, "TimeoutError", now=1000.0)
    trying = failures.FailureTracker(worker.redis)
    with trying.track_task(task_names.TIDY):
        pass
    assert failing.read(worker.redis, 1000.0) == []
    failing.put(worker.redis, task_names.TIDY, 3, "KeyError", now=1000.0)
    with trying.track_task(task_names.TIDY):
        pass
    assert [row.reason for row in failing.read(worker.redis, 1000.0)] == ["KeyError"]


def test_nobody_minds_a_redis_that_cannot_be_told(worker: WorkerState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failing, "put", fail(redis.ConnectionError()))
    trying = failures.FailureTracker(worker.redis)
    with trying.track_task(task_names.TIDY):
        fail(KeyError())()
    assert value(metrics.TASK_FAILING, task=task_names.TIDY) == 1


def test_a_turn_that_another_process_takes_is_no_good_end(
    sweep: list[str], worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.rebuilder, "ensure_served", fail(redis.ResponseError()))
    worker.redis.delete(BoardKeys("main", "all").meta)
    for count in (1, 2, 3):
        worker_tasks.sweep()
        with monkeypatch.context() as other:
            other.setattr(maintenance, "takes_turn", lambda *_: False)
            worker_tasks.sweep()
        assert value(metrics.TASK_FAILING, task=task_names.SWEEP) == count
