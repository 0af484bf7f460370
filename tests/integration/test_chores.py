"""Who does the chores: which tasks they are, and what is said when nobody does them."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from celery import Celery

from common.core import task_names
from common.core.settings import Settings
from common.redis_store import keys
from common.redis_store.chores_watch import ChoresWatch
from workers import chores, maintenance
from workers.state import WorkerState

# In a process of its own: Celery's configuration is read from the environment, once.
_SCRIPT = """
import json, celeryconfig
from common.core import task_names
from workers.app import app
app.loader.import_default_modules()
names = {entry["task"] for entry in celeryconfig.beat_schedule.values()} | {"scores.apply", "boards.rebuild"}
print(json.dumps({name: [task_names.queue_of(name), app.amqp.router.route({}, name)["queue"].name] for name in names}))
"""


@pytest.fixture
def queues(settings: Settings) -> dict[str, list[str]]:
    """For each task the queue whose mark it leaves and the one to which it is sent."""
    environment = {
        "DATABASE_URL": settings.database_url.replace("postgresql+psycopg2", "postgresql"),
        "REDIS_URL": settings.redis_url,
        "SCOREBOARD_JWT_SECRET": "jwt-secret-of-the-tests-0123456789",
        "SCOREBOARD_SECRET_KEY": "secret-key-of-the-tests-0123456789",
    }
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_a_task_is_sent_to_the_queue_in_which_it_shows_that_its_worker_lives(queues: dict[str, list[str]]) -> None:
    assert {name for name, (shown, routed) in queues.items() if shown != routed} == set()


def test_scoring_and_what_rings_for_it_is_no_chore(queues: dict[str, list[str]]) -> None:
    assert {name for name, (_, routed) in queues.items() if routed == task_names.QUEUE} == {
        task_names.APPLY,
        task_names.SWEEP,
    }
    assert {name for name, (_, routed) in queues.items() if routed == task_names.QUEUE_CHORES} == set(task_names.CHORES)


@pytest.fixture
def now() -> list[float]:
    """The time by the watch of `watched`, in seconds, in a list of one."""
    return [0.0]


@pytest.fixture
def watched(worker: WorkerState, now: list[float]) -> WorkerState:
    """A worker whose watch goes by `now`."""
    return replace(worker, chores_watch=ChoresWatch(worker.redis, clock=lambda: now[0]))


def test_one_is_told_now_and_then_that_nobody_does_the_chores(watched: WorkerState, now: list[float]) -> None:
    assert not chores.warn_if_unattended(watched), "all of it has just been started"
    now[0] = 61
    assert chores.warn_if_unattended(watched)
    assert not chores.warn_if_unattended(watched)
    watched.redis.delete(keys.turn("chores.missing"))
    maintenance.show_alive(watched)
    assert chores.warn_if_unattended(watched)


def test_nothing_is_told_while_somebody_does_them(watched: WorkerState, now: list[float]) -> None:
    assert not chores.warn_if_unattended(watched)
    now[0] = 61
    maintenance.show_alive(watched, task_names.QUEUE_CHORES)
    assert not chores.warn_if_unattended(watched)
    assert watched.redis.ttl(keys.CHORES_SEEN) > watched.redis.ttl(keys.WORKER_SEEN)


def test_a_redis_that_was_emptied_is_given_the_time_to_be_told(watched: WorkerState, now: list[float]) -> None:
    maintenance.show_alive(watched, task_names.QUEUE_CHORES)
    assert not chores.warn_if_unattended(watched)
    now[0] = 1000
    watched.redis.flushdb()
    assert not chores.warn_if_unattended(watched)
    now[0] = 1061
    assert chores.warn_if_unattended(watched)


def test_messages_that_nobody_takes_do_not_fill_redis(settings: Settings, worker: WorkerState) -> None:
    with Celery(broker=settings.redis_url, set_as_current=False) as sender:
        for _ in range(3):
            sender.send_task(task_names.VERIFY, queue=task_names.QUEUE_CHORES)
            sender.send_task(task_names.SWEEP, queue=task_names.QUEUE)
        chores.discard_messages(sender)
    assert (worker.redis.llen(task_names.QUEUE_CHORES), worker.redis.llen(task_names.QUEUE)) == (0, 3)
