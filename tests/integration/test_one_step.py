"""A small batch is shown, answered and acknowledged in one script: what it tells is what the boards show."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import orjson
import pytest

from common.domain.inbox_entries import Update
from common.redis_store import keys, placeholders
from common.redis_store.inbox import Inbox
from common.redis_store.keys import BoardKeys
from tests.inbox import add_users, board_of, drain_completely
from tests.integration.test_corrections import no_drift
from workers import batches
from workers.state import WorkerState

WEB = "a-web-process"
ONE_STEP, TWO_STEPS = 400, -1
PERIODS_OF_MAIN = 4


class Heard(NamedTuple):
    """What a web process was told: outcomes by update key, and news in order."""

    outcomes: dict[str, Any]
    news: list[dict[str, Any]]


@pytest.fixture
def players(worker: WorkerState) -> list[str]:
    return add_users(worker.engine, 6)


def accept_waiting(worker: WorkerState, user_id: str, action_id: str) -> str:
    key = secrets.token_hex(8)
    worker.inbox.accept(Update(user_id, action_id, key, "2026-11-23T09:15:00.123Z", "request-id", WEB))
    return key


@contextmanager
def listening(worker: WorkerState) -> Iterator[Heard]:
    """What is told within the block, complete at its end."""
    heard = Heard({}, [])
    with worker.redis.pubsub() as subscription:  # type: ignore[no-untyped-call]  # redis-py
        subscription.subscribe(keys.UPDATES_CHANNEL, keys.replies(WEB), "the end")
        yield heard
        worker.redis.publish("the end", "")
        for message in subscription.listen():
            if message["type"] != "message":
                continue
            if message["channel"] == "the end":
                break
            told = orjson.loads(message["data"])
            if message["channel"] == keys.UPDATES_CHANNEL:
                heard.news.append(told)
            else:
                heard.outcomes.update({key: outcome for _, key, _, outcome, _ in told})


def ranks(worker: WorkerState) -> dict[str, int]:
    return {user_id: rank for rank, user_id in enumerate(board_of(worker), start=1)}


@pytest.mark.parametrize("steps", [ONE_STEP, TWO_STEPS])
def test_what_senders_and_viewers_are_told_is_what_the_boards_show(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr(batches, "MOST_ROWS_IN_ONE_STEP", steps)
    orders = [(0, 1, 2), (3, 4, 5, 0), (5,), (2, 1, 0, 5, 4, 3), (3, 3)]
    actions = ["share", "daily-login", "complete-level", "win-match", "win-tournament"]
    for order, action_id in zip(orders, actions, strict=True):
        before, moved = ranks(worker), {players[i] for i in order}
        with listening(worker) as heard:
            sent = {accept_waiting(worker, players[i], action_id): players[i] for i in order}
            worker.drain.batches.apply(worker.inbox.read("tests", 100))
        after = ranks(worker)
        assert heard.outcomes.keys() == sent.keys()
        for key, user_id in sent.items():
            outcome = heard.outcomes[key]
            assert (outcome["entry"]["rank"], outcome["previousRank"]) == (after[user_id], before.get(user_id))
            (entry,) = outcome["entries"]
            assert (entry["rank"], entry["previousRank"]) == (after[user_id], before.get(user_id))
            assert worker.inbox.receipt(user_id, key) == outcome
        (news,) = heard.news
        assert set(news["players"]) == moved
        assert len(news["boards"]) == PERIODS_OF_MAIN
        for told in news["boards"]:
            of = BoardKeys(told["board"], told["period"])
            assert worker.redis.hget(of.meta, "seq") == str(told["seq"])
        assert worker.inbox.depth() == 0
    assert no_drift(worker)


def test_a_board_that_redis_has_lost_is_filled_again_before_anybody_is_told(
    worker: WorkerState, players: list[str]
) -> None:
    for user_id in players:
        accept_waiting(worker, user_id, "win-match")
    drain_completely(worker)
    worker.redis.delete(BoardKeys("main", "all").members)
    with listening(worker) as heard:
        key = accept_waiting(worker, players[-1], "share")
        drain_completely(worker)
    assert heard.outcomes[key]["entry"]["rank"] == 1
    assert len(heard.news[0]["boards"]) == PERIODS_OF_MAIN
    assert len(board_of(worker)) == len(players)
    assert no_drift(worker)


def test_nothing_is_done_where_a_single_board_is_not_served(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was shown on the other boards would be taken for the ranks before."""
    answers: list[bool] = []
    finish = Inbox.finish

    def noted(*arguments: Any) -> bool:  # noqa: ANN401
        worker.redis.delete(lost)
        seqs = [worker.redis.hget(meta, "seq") for meta in others]
        answers.append(finish(*arguments))
        assert [worker.redis.hget(meta, "seq") for meta in others] == seqs
        assert worker.inbox.depth() == 1
        return answers[-1]

    accept_waiting(worker, players[0], "share")
    drain_completely(worker)
    *others, lost = sorted(worker.redis.scan_iter("leaderboard:*meta"))
    monkeypatch.setattr(Inbox, "finish", noted)
    key = accept_waiting(worker, players[0], "share")
    worker.drain.batches.apply(worker.inbox.read("tests", 100))
    assert answers == [False]
    receipt = worker.inbox.receipt(players[0], key)
    assert receipt is not None
    assert receipt["status"] == "applied"
    assert worker.inbox.depth() == 0


def test_finishing_twice_shows_once_and_tells_again(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the answer of the first time is lost."""
    finish = Inbox.finish

    def twice(*arguments: Any) -> bool:  # noqa: ANN401
        return finish(*arguments) and finish(*arguments)

    monkeypatch.setattr(Inbox, "finish", twice)
    with listening(worker) as heard:
        key = accept_waiting(worker, players[0], "win-match")
        worker.drain.batches.apply(worker.inbox.read("tests", 100))
    assert board_of(worker) == {players[0]: 25}
    first, second = heard.news
    assert first["boards"] == second["boards"]
    assert heard.outcomes[key]["entry"]["rank"] == 1
    assert worker.inbox.depth() == 0


def test_no_text_is_taken_for_a_placeholder() -> None:
    mark = placeholders.dumps(placeholders.Placeholder(7))
    assert mark == b"\x017\x01"
    assert b"\x01" not in placeholders.dumps({"name": "\x017\x01", "\x017\x01": ["\x01"]})
    with pytest.raises(TypeError):
        placeholders.dumps(object())
