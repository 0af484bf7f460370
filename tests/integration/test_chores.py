"""Who does the chores: which tasks they are, and what is said when nobody does them."""

import celeryconfig
from common import keys, tasks
from workers import chores, housekeeping
from workers.app import app
from workers.state import WorkerState


def queue_of(name: str) -> str:
    return str(app.amqp.router.route({}, name)["queue"].name)


def test_what_beat_sends_goes_to_the_queue_in_which_the_task_shows_that_its_worker_lives() -> None:
    app.loader.import_default_modules()
    for entry in celeryconfig.beat_schedule.values():
        name = str(entry["task"])
        assert app.tasks[name].queue == queue_of(name)


def test_scoring_and_what_rings_for_it_is_no_chore() -> None:
    assert {name for name in (tasks.APPLY, tasks.SWEEP) if queue_of(name) == tasks.QUEUE} == {tasks.APPLY, tasks.SWEEP}
    assert {queue_of(name) for name in tasks.CHORES} == {tasks.QUEUE_CHORES}


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
