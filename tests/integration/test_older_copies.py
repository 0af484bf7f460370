"""A Redis that comes back as it was some time ago shows nothing of then that is not so any more."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from common.domain.details import ANONYMOUS, PlayerVisibility
from common.domain.pagination import FIRST
from common.domain.shown import Gate
from common.domain.stand_ins import StandIns
from common.redis_store import client as redis_client
from common.redis_store.board import Board
from common.redis_store.inbox import Inbox
from common.services.leaderboard import Leaderboard
from common.services.profiles import Profiles
from common.services.rebuild import Rebuilder
from dev.servers.valkey import Valkey
from tests.inbox import accept, add_users, drain_completely
from workers.state import WorkerState


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A Valkey of this test's own, which it may restart."""
    server = Valkey(tmp_path, fast=True)
    server.start()
    yield server
    server.stop()


def test_nobody_is_named_again_who_chose_not_to_be_since_the_copy(
    worker: WorkerState, valkey: Valkey, tmp_path: Path
) -> None:
    """The case that found it: a copy of some seconds ago, and a player who had become anonymous within them."""
    (ada,) = add_users(worker.engine, 1)
    accept(worker, ada, "win-match")
    drain_completely(worker)
    files, copied = valkey.data / "appendonlydir", tmp_path / "copied"
    with closing(redis_client.connect(valkey.url)) as client:
        board = Board(client)
        rebuilder = Rebuilder(client, worker.engine)
        leaderboard = Leaderboard(board, worker.engine, Gate(StandIns(worker.settings.secret_keys)))

        def shown() -> str:
            assert rebuilder.ensure_served("main", "all")
            top = leaderboard.live_top("main", "all", 10)
            assert top
            return top.entries[0].username

        name = shown()
        assert board.page("main", "all", 1, FIRST).rows.entries[0].username == name
        shutil.copytree(files, copied)
        profiles = Profiles(worker.engine, board, Inbox.of(client, worker.settings))
        profiles.set_visibility(ada, PlayerVisibility.ANONYMOUS)
        assert shown() == ANONYMOUS != name

        valkey.stop()
        shutil.rmtree(files)
        shutil.copytree(copied, files)
        valkey.start()
        assert client.keys("user:*:details"), "the copy is to hold what was told of players"
        assert shown() == ANONYMOUS
