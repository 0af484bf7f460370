"""Who does the chores: which tasks they are, and what is said when nobody does them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from celery import Celery

from common import keys, tasks
from common.settings import Settings
from workers import chores, housekeeping
from workers.state import WorkerState

# In a process of its own: Celery's configuration is read from the environment, once.
_SCRIPT = """
import json, celeryconfig
from workers.app import app
app.loader.import_default_modules()
names = {entry["task"] for entry in celeryconfig.beat_schedule.values()} | {"scores.apply", "boards.rebuild"}
print(json.dumps({name: [app.tasks[name].queue, app.amqp.router.route({}, name)["queue"].name] for name in names}))
"""


@pytest.fixture
def queues(settings: Settings) -> dict[str, list[str]]:
    """For each task the queue that it declares and the one to which it is sent."""
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
    assert {name for name, (declared, routed) in queues.items() if declared != routed} == set()


def test_scoring_and_what_rings_for_it_is_no_chore(queues: dict[str, list[str]]) -> None:
    assert {name for name, (_, routed) in queues.items() if routed == tasks.QUEUE} == {tasks.APPLY, tasks.SWEEP}
    assert {name for name, (_, routed) in queues.items() if routed == tasks.QUEUE_CHORES} == set(tasks.CHORES)


def test_one_is_told_now_and_then_that_nobody_does_the_chores(worker: WorkerState) -> None:
    assert not chores.warn_if_unattended(worker, up_seconds=1), "all of it has just been started"
    assert chores.warn_if_unattended(worker, up_seconds=100)
    assert not chores.warn_if_unattended(worker, up_seconds=102)
    worker.redis.delete(keys.turn("chores.missing"))
    housekeeping.show_alive(worker)
    assert chores.warn_if_unattended(worker, up_seconds=400)


def test_nothing_is_told_while_somebody_does_them(worker: WorkerState) -> None:
    housekeeping.show_alive(worker, tasks.QUEUE_CHORES)
    assert not chores.warn_if_unattended(worker, up_seconds=100)
    assert worker.redis.ttl(keys.CHORES_SEEN) > worker.redis.ttl(keys.WORKER_SEEN)


def test_messages_that_nobody_takes_do_not_fill_redis(settings: Settings, worker: WorkerState) -> None:
    with Celery(broker=settings.redis_url, set_as_current=False) as sender:
        for _ in range(3):
            sender.send_task(tasks.VERIFY, queue=tasks.QUEUE_CHORES)
            sender.send_task(tasks.SWEEP, queue=tasks.QUEUE)
        chores.discard_messages(sender)
    assert (worker.redis.llen(tasks.QUEUE_CHORES), worker.redis.llen(tasks.QUEUE)) == (0, 3)
