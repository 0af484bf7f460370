"""Whenever an update is projected while a board is filled again, its entry is done with and its points are shown."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from common.domain.pagination import FIRST
from common.domain.standing import Standing
from common.postgres import standings
from common.redis_store.board import Board, BoardNotServedError
from common.redis_store.keys import BoardKeys
from common.services import rebuild
from common.services.rebuild import Rebuilder
from dev.harness.waiting import wait_until
from tests.inbox import accept, add_users, board_of, drain_completely
from workers import maintenance
from workers.state import WorkerState

BOARD = BoardKeys("main", "all")
Act = Callable[[], None]


class DeadError(Exception):
    """The rebuild ends here."""


@pytest.fixture(autouse=True)
def _every_board_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nobody waits for a board, as with many thousands of players."""
    monkeypatch.setattr(rebuild, "SMALL", 0)


@pytest.fixture
def players(worker: WorkerState) -> list[str]:
    """Three with 25 points each; their board in Redis has lost the first one's, and nobody has noticed."""
    ids = add_users(worker.engine, 3)
    for user_id in ids:
        accept(worker, user_id)
    drain_completely(worker)
    assert worker.rebuilder.rebuild("main", "all")
    assert board_of(worker) == dict.fromkeys(ids, 25)
    return ids


def score(worker: WorkerState, player: str) -> None:
    """An update of 100 points, which is applied at once and leaves the inbox, whatever state the board is in."""
    accept(worker, player, "win-tournament")
    worker.drain.run()
    assert worker.inbox.depth() == 0


def at(instant: str, worker: WorkerState, act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let something happen at an instant of the next rebuild: before which step of it."""
    stream = standings.stream
    done: list[bool] = []

    def once() -> None:
        if not done:
            done.append(True)
            act()

    def streaming(*arguments: Any) -> Iterator[list[Standing]]:  # noqa: ANN401 - passed on as they are
        if instant == "between fence and snapshot":
            once()
        for page in stream(*arguments):
            if instant == "before its page is gathered":
                once()
            yield page
            if instant == "after its page was gathered":
                once()

    monkeypatch.setattr(standings, "stream", streaming)
    switch = worker.rebuilder._commit

    def switching(*arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401 - passed on as they are
        if instant == "before the switch":
            once()
        return switch(*arguments, **keywords)

    monkeypatch.setattr(worker.rebuilder, "_commit", switching)


INSTANTS = (
    "between fence and snapshot",
    "before its page is gathered",
    "after its page was gathered",
    "before the switch",
)


@pytest.mark.parametrize("newcomer", [False, True])
@pytest.mark.parametrize("instant", INSTANTS)
def test_what_is_projected_during_a_rebuild_is_on_the_new_board(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch, instant: str, newcomer: bool
) -> None:
    player = add_users(worker.engine, 1)[0] if newcomer else players[0]
    at(instant, worker, lambda: score(worker, player), monkeypatch)
    assert worker.rebuilder.rebuild("main", "all")
    due = dict.fromkeys(players, 25)
    assert board_of(worker) == due | {player: due.get(player, 0) + 100}
    assert worker.verifier.check([*players, player]) == []


def test_a_receipt_tells_no_rank_while_the_board_is_filled_again(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str] = []

    def act() -> None:
        keys.append(accept(worker, players[0], "win-tournament"))
        worker.drain.run()

    at("before the switch", worker, act, monkeypatch)
    assert worker.rebuilder.rebuild("main", "all")
    receipt = worker.inbox.receipt(players[0], keys[0])
    assert receipt
    assert receipt["status"] == "applied"
    assert (receipt["entry"]["score"], receipt["entry"]["rank"], receipt["previousRank"]) == (125, None, None)


@pytest.mark.parametrize("instant", INSTANTS)
def test_a_rebuild_that_fails_brings_no_board_back_that_lacks_what_was_projected(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch, instant: str
) -> None:
    def act() -> None:
        score(worker, players[0])
        raise DeadError

    at(instant, worker, act, monkeypatch)
    with pytest.raises(DeadError):
        worker.rebuilder.rebuild("main", "all")
    with pytest.raises(BoardNotServedError):
        Board(worker.redis).page("main", "all", 1, FIRST)
    assert worker.rebuilder.rebuild("main", "all")
    assert board_of(worker)[players[0]] == 125


def test_what_is_projected_after_a_rebuild_failed_is_on_the_old_board(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def act() -> None:
        raise DeadError

    at("before the switch", worker, act, monkeypatch)
    with pytest.raises(DeadError):
        worker.rebuilder.rebuild("main", "all")
    score(worker, players[0])
    assert worker.rebuilder.is_served("main", "all")
    assert board_of(worker)[players[0]] == 125


@pytest.mark.parametrize("is_fenced_anew", [False, True])
def test_a_rebuilder_that_was_believed_dead_cannot_switch(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch, is_fenced_anew: bool
) -> None:
    monkeypatch.setattr(rebuild, "LEASE_MS", 30)

    def act() -> None:
        wait_until(lambda: not worker.redis.exists(BOARD.rebuilding))
        score(worker, players[0])
        if is_fenced_anew:
            assert Rebuilder(worker.redis, worker.engine).rebuild("main", "all")

    at("before the switch", worker, act, monkeypatch)
    assert not worker.rebuilder.rebuild("main", "all")
    assert worker.rebuilder.ensure_served("main", "all")
    assert board_of(worker)[players[0]] == 125


def test_a_board_that_somebody_else_has_just_filled_is_left_as_it_is(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Filled once more, one of a million players would be away for another minute."""
    assert worker.rebuilder.rebuild("main", "all")
    served = worker.redis.hgetall(BOARD.meta)
    monkeypatch.setattr(worker.rebuilder, "is_served", lambda *_: False)  # as it was a moment ago
    assert worker.rebuilder.ensure_served("main", "all")
    assert worker.redis.hgetall(BOARD.meta) == served
    assert board_of(worker) == dict.fromkeys(players, 25)


def test_the_chores_wait_for_the_end_of_a_dead_rebuilds_lease(worker: WorkerState, players: list[str]) -> None:
    assert worker.rebuilder._begin(
        keys=[BOARD.scores, BOARD.members, BOARD.meta, BOARD.rebuilding], args=["dead", 800, 0, "", 0]
    )
    assert not worker.rebuilder.rebuild("main", "all")
    maintenance.rebuild_boards(worker)
    assert board_of(worker) == dict.fromkeys(players, 25)
    assert worker.rebuilder.is_served("main", "all")


def test_what_a_dead_rebuilder_has_gathered_is_let_go_of_by_the_next(worker: WorkerState, players: list[str]) -> None:
    fence = worker.rebuilder._begin(
        keys=[BOARD.scores, BOARD.members, BOARD.meta, BOARD.rebuilding], args=["dead", 60_000, 0, "", 0]
    )
    assert fence
    score(worker, players[0])
    left = [key for key in BOARD.under_construction("dead") if worker.redis.exists(key)]
    assert len(left) == 3
    assert all(0 < worker.redis.ttl(key) <= 3600 for key in left)
    worker.redis.delete(BOARD.rebuilding)
    assert worker.rebuilder.rebuild("main", "all")
    assert worker.redis.exists(*left) == 0
    assert board_of(worker)[players[0]] == 125


@pytest.mark.parametrize("lost", ["scores", "members", "meta", "rebuilding", "everything"])
def test_a_rebuild_in_the_middle_of_which_redis_loses_something_ends_well_or_not_at_all(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    def act() -> None:
        score(worker, players[0])
        if lost == "everything":
            worker.redis.flushdb()
            worker.inbox.open()
        else:
            worker.redis.delete(getattr(BOARD, lost))
        score(worker, players[1])

    at("after its page was gathered", worker, act, monkeypatch)
    worker.rebuilder.rebuild("main", "all")
    assert worker.rebuilder.ensure_served("main", "all")
    assert board_of(worker) == {players[0]: 125, players[1]: 125, players[2]: 25}


def test_a_board_that_redis_has_lost_does_not_keep_updates_waiting(worker: WorkerState, players: list[str]) -> None:
    """Nor does it come back by itself with a player missing, should what was lost be found again."""
    lost = worker.redis.dump(BOARD.scores)
    assert lost
    worker.redis.delete(BOARD.scores)
    score(worker, players[0])
    worker.redis.restore(BOARD.scores, 0, lost)
    assert not worker.rebuilder.is_served("main", "all")
    assert worker.rebuilder.rebuild("main", "all")
    assert board_of(worker)[players[0]] == 125


def test_commands_that_redis_is_sent_twice_do_no_harm(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that breaks after a command was carried out has it sent again."""
    for name in ("_begin", "_stage", "_commit", "_abort"):
        once = getattr(worker.rebuilder, name)

        def twice(*arguments: Any, once: Any = once, **keywords: Any) -> Any:  # noqa: ANN401 - passed on as they are
            once(*arguments, **keywords)
            return once(*arguments, **keywords)

        monkeypatch.setattr(worker.rebuilder, name, twice)
    assert worker.rebuilder.rebuild("main", "all")
    assert board_of(worker) == dict.fromkeys(players, 25)


def test_a_script_that_fails_in_a_rebuild_is_told_and_gives_the_board_back(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = worker.redis.register_script("return redis.call('NO-SUCH-COMMAND')")
    monkeypatch.setattr(worker.rebuilder, "_stage", bad)
    with pytest.raises(redis.ResponseError, match="Unknown"):
        worker.rebuilder.rebuild("main", "all")
    assert worker.rebuilder.is_served("main", "all")
