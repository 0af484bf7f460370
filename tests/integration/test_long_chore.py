"""The chore of the bench: it works for as long as it is told, where chores work, and says that it does."""

from bench import long_chore
from tests.inbox import accept, add_users, drain_completely
from workers.state import WorkerState


def test_the_chore_works_on_the_board_until_its_time_is_over(worker: WorkerState) -> None:
    for player in add_users(worker.engine, 2):
        accept(worker, player)
    drain_completely(worker)
    assert long_chore.work(worker, 0.05) >= 1
    assert not worker.redis.exists(long_chore.RUNNING)
