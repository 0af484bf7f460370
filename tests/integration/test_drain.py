"""The worker: batches, redelivery, several workers at once, bad entries, and what Redis may lose meanwhile."""

import random
import secrets
import threading
import time
import uuid
from collections import Counter
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, text

from common.contract.constants import GREATEST_SCORE
from common.core import task_names
from common.core.settings import Settings
from common.domain import outcomes
from common.domain.inbox_entries import Entry, Update
from common.domain.scoring import Action
from common.postgres import catalogue, standings
from common.redis_store import keys
from common.redis_store.inbox import Accepted, Inbox, InboxFullError, Known
from common.redis_store.keys import BoardKeys
from dev.harness.waiting import wait_until
from tests.inbox import accept, add_action, add_users, drain_completely
from workers import drain as drain_module
from workers import maintenance
from workers.batches import QUARANTINE_AFTER
from workers.state import WorkerState

POINTS = {"daily-login": 5, "complete-level": 10, "win-match": 25, "win-tournament": 100, "share": 1}


@pytest.fixture
def players(engine: Engine) -> list[str]:
    """The ids of twenty users."""
    return add_users(engine, 20)


def board_in_redis(worker: WorkerState, period_id: str = "all") -> list[tuple[str, int]]:
    rows = worker.redis.zrange(BoardKeys("main", period_id).scores, 0, -1, desc=True, withscores=True)
    return [(str(member).partition(":")[2], int(score)) for member, score in rows]  # type: ignore[str-unpack]


def board_in_database(engine: Engine, period_id: str = "all") -> list[tuple[str, int]]:
    with engine.connect() as connection:
        return [(e.user_id, e.score) for e in standings.top(connection, "main", period_id, 10_000).entries]


def test_a_thousand_updates_of_twenty_players_add_up_everywhere(worker: WorkerState, players: list[str]) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    expected: Counter[str] = Counter()
    for _ in range(1000):
        user_id, action_id = draw.choice(players), draw.choice(list(POINTS))
        accept(worker, user_id, action_id)
        expected[user_id] += POINTS[action_id]
    drain_completely(worker)
    assert dict(board_in_database(worker.engine)) == dict(expected)
    for period in ("all", *worker_periods(worker.engine)):
        assert board_in_redis(worker, period) == board_in_database(worker.engine, period)
    with worker.engine.connect() as connection:
        assert connection.execute(text("SELECT sum(points), count(*) FROM score_events")).one() == (
            sum(expected.values()),
            1000,
        )


def worker_periods(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT DISTINCT period_id FROM standings WHERE period_id <> 'all'")))


def test_several_workers_neither_deadlock_nor_count_twice(
    settings: Settings, worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_module, "BATCH", 40)
    workers = [WorkerState.create(settings) for _ in range(4)]
    expected: Counter[str] = Counter()
    for n in range(2000):
        user_id = players[n % 7]
        accept(worker, user_id, "share")
        expected[user_id] += 1
    failures: list[BaseException] = []

    def run(state: WorkerState) -> None:
        try:
            drain_completely(state)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(state,)) for state in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for state in workers:
        state.close()
    assert failures == []
    assert dict(board_in_database(worker.engine)) == dict(expected)
    assert board_in_redis(worker) == board_in_database(worker.engine)


def test_a_redelivered_batch_counts_once_and_is_answered(worker: WorkerState, players: list[str]) -> None:
    """The worker dies after COMMIT: nothing was projected, answered or acknowledged."""
    key = accept(worker, players[0])
    (delivery,) = worker.inbox.read("dead-worker", 10)
    recorded, _ = worker.drain.batches._record([delivery], None)  # type: ignore[list-item]
    assert len(recorded.fresh) == 1
    assert board_in_redis(worker) == []

    worker.drain.batches.apply(worker.inbox.reclaim("heir", 10, 0))
    assert board_in_redis(worker) == board_in_database(worker.engine) == [(players[0], 25)]
    receipt = worker.inbox.receipt(players[0], key)
    assert receipt
    assert receipt["status"] == "applied"
    assert worker.inbox.depth() == 0


def test_what_a_drain_left_behind_is_finished_by_its_next_one(worker: WorkerState, players: list[str]) -> None:
    accept(worker, players[0])
    assert len(worker.inbox.read(worker.drain.consumer, 10)) == 1
    worker.drain.run()
    assert worker.inbox.depth() == 0
    assert board_in_redis(worker) == [(players[0], 25)]


def test_an_entry_of_a_dead_worker_is_not_taken_before_its_time(worker: WorkerState, players: list[str]) -> None:
    accept(worker, players[0])
    worker.inbox.read("dead-worker", 10)
    worker.drain.run()
    assert worker.inbox.depth() == 1


def test_an_update_recorded_by_another_worker_meanwhile_is_found_on_the_second_look(
    worker: WorkerState, players: list[str]
) -> None:
    """The same key twice in the inbox, in two workers at once: the unique index settles it."""
    accept(worker, players[0], key="twice-in-the-inbox")
    worker.redis.delete(keys.receipt(players[0], "twice-in-the-inbox"))
    accept(worker, players[0], key="twice-in-the-inbox")
    first, second = worker.inbox.read("one", 1), worker.inbox.read("two", 1)
    threads = [threading.Thread(target=worker.drain.batches.apply, args=(each,)) for each in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert board_in_redis(worker) == board_in_database(worker.engine) == [(players[0], 25)]
    assert worker.inbox.depth() == 0


def test_the_same_key_twice_in_one_batch_counts_once(worker: WorkerState, players: list[str]) -> None:
    accept(worker, players[0], key="twice-in-a-batch")
    worker.redis.delete(keys.receipt(players[0], "twice-in-a-batch"))
    accept(worker, players[0], key="twice-in-a-batch")
    drain_completely(worker)
    assert board_in_database(worker.engine) == [(players[0], 25)]


def test_each_update_of_a_batch_is_told_the_score_it_led_to(worker: WorkerState, players: list[str]) -> None:
    update_keys = [accept(worker, players[0], action) for action in ("share", "win-match", "complete-level")]
    drain_completely(worker)
    receipts = [worker.inbox.receipt(players[0], key) for key in update_keys]
    applied = [receipt for receipt in receipts if receipt and receipt["status"] == "applied"]
    assert [receipt["entry"]["score"] for receipt in applied] == [1, 26, 36]


def test_an_action_withdrawn_before_the_worker_came_is_refused_and_remembered(
    worker: WorkerState, players: list[str]
) -> None:
    key = accept(worker, players[0], "no-longer-there")
    drain_completely(worker)
    receipt = worker.inbox.receipt(players[0], key)
    assert receipt
    assert receipt["status"] == "refused"
    assert receipt["error"]["code"] == "unknown_action"
    assert board_in_database(worker.engine) == []
    with worker.engine.connect() as connection:
        assert connection.execute(text("SELECT points, refusal FROM score_events")).one() == (0, "unknown_action")


def test_a_total_beyond_the_exact_integers_is_refused_and_its_neighbours_are_applied(
    worker: WorkerState, players: list[str]
) -> None:
    add_action(worker, Action("jackpot", 1, GREATEST_SCORE, ("main",)))
    fits = accept(worker, players[0], "jackpot")
    drain_completely(worker)
    too_much = accept(worker, players[0], "jackpot")
    neighbour = accept(worker, players[1], "share")
    drain_completely(worker)
    statuses = {}
    for user_id, key in ((players[0], fits), (players[0], too_much), (players[1], neighbour)):
        receipt = worker.inbox.receipt(user_id, key)
        assert receipt
        statuses[key] = (receipt["status"], receipt["error"]["code"] if receipt["status"] == "refused" else None)
    assert statuses == {
        fits: ("applied", None),
        too_much: ("refused", "score_out_of_range"),
        neighbour: ("applied", None),
    }
    assert board_in_redis(worker) == board_in_database(worker.engine) == [(players[0], GREATEST_SCORE), (players[1], 1)]


def test_an_entry_nobody_can_read_is_quarantined_after_its_last_delivery(
    worker: WorkerState, players: list[str]
) -> None:
    worker.redis.xadd(keys.INBOX, {"update": "{not json", "accepted_at": "1"})
    worker.redis.xadd(keys.INBOX, {"something": "else"})
    accept(worker, players[0])
    drain_completely(worker)
    assert board_in_database(worker.engine) == [(players[0], 25)]
    with worker.engine.connect() as connection:
        reasons = connection.scalars(text("SELECT reason FROM score_quarantine")).all()
    assert reasons == ["cannot be read"] * 2


@pytest.mark.parametrize(
    "changes",
    [
        {"update": '{"x": "\\u0000"}'},
        {"update": "\0"},
        {"update": b"\xff\xfe\xfa"},
        {"update": b"\xff", b"\xff": b"\xff"},
        {"accepted_at": "99999999999999999999"},
        {"accepted_at": "-99999999999999"},
        {"user_id": "UPPER"},
        {"user_id": "nobody"},
        {"reply_to": {"a": 1}},
        {"occurred_at": 5},
        {"idempotency_key": None},
    ],
    ids=str,
)
def test_whatever_stands_in_the_inbox_holds_up_no_neighbour(
    worker: WorkerState, players: list[str], changes: dict[Any, Any]
) -> None:
    update: dict[str, Any] = {
        "user_id": players[0],
        "action_id": "share",
        "idempotency_key": "a-key-of-ours",
        "occurred_at": "2026-11-23T09:15:00Z",
        "request_id": "request",
        "reply_to": None,
    }
    update |= {name: value for name, value in changes.items() if name in update}
    update["user_id"] = players[0].upper() if update["user_id"] == "UPPER" else update["user_id"]
    entry: dict[Any, Any] = {"accepted_at": str(int(time.time() * 1000)), "update": orjson.dumps(update)}
    worker.redis.xadd(keys.INBOX, {**entry, **{name: value for name, value in changes.items() if name not in update}})
    accept(worker, players[1])

    assert worker.inbox.acceptances(1)
    worker.drain.run()
    assert board_in_database(worker.engine) == [(players[1], 25)]
    assert worker.inbox.depth() == 1
    for _ in range(QUARANTINE_AFTER - 1):
        worker.drain.run()

    assert worker.inbox.depth() == 0
    with worker.engine.connect() as connection:
        assert connection.scalars(text("SELECT reason FROM score_quarantine")).all() == ["cannot be read"]


def test_a_poison_entry_is_quarantined_after_five_deliveries_and_its_neighbours_are_applied(
    worker: WorkerState, players: list[str]
) -> None:
    ghost = str(uuid.uuid4())
    key = accept(worker, ghost)
    for user_id in players:
        accept(worker, user_id)
    worker.drain.run()
    assert len(board_in_database(worker.engine)) == len(players)
    assert worker.inbox.depth() == 1
    for _ in range(4):
        worker.drain.run()
    assert worker.inbox.depth() == 0
    with worker.engine.connect() as connection:
        payload, reason = connection.execute(text("SELECT payload, reason FROM score_quarantine")).one()
    assert payload["user_id"] == ghost
    assert "does not exist" in reason
    assert worker.inbox.receipt(ghost, key) == outcomes.quarantined(ghost, "win-match", key)


def test_after_a_flushall_the_board_comes_back_from_the_database(worker: WorkerState, players: list[str]) -> None:
    for user_id in players:
        accept(worker, user_id)
    drain_completely(worker)
    before = board_in_redis(worker)
    worker.redis.flushall()
    accept(worker, players[3], "share")
    drain_completely(worker)
    after = board_in_redis(worker)
    assert after == board_in_database(worker.engine)
    assert sum(score for _, score in after) == sum(score for _, score in before) + 1


def test_an_inbox_that_holds_all_it_may_takes_nothing_more_until_it_has_room(
    worker: WorkerState, players: list[str]
) -> None:
    small = Inbox(worker.redis, capacity=2, receipt_ttl=60)
    first, second, third = (
        Update(players[0], "share", f"key-number-{n}", "2026-11-23T09:15:00.123Z", "request-id", None)
        for n in (1, 2, 3)
    )
    small.accept(first)
    small.accept(second)
    with pytest.raises(InboxFullError):
        small.accept(third)
    assert small.depth() == 2
    assert small.receipt(players[0], "key-number-3") is None
    assert isinstance(small.accept(first), Known), "what is in it already is told again, however full it is"
    drain_completely(worker)
    assert isinstance(small.accept(third), Accepted)
    drain_completely(worker)
    assert dict(board_in_database(worker.engine)) == {players[0]: 3 * POINTS["share"]}


def test_the_news_of_a_batch_name_boards_and_players(worker: WorkerState, players: list[str]) -> None:
    with worker.redis.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
        subscription.subscribe(keys.UPDATES_CHANNEL)
        accept(worker, players[0])
        drain_completely(worker)
        messages: list[dict[str, str]] = []

        def heard() -> bool:
            message = subscription.get_message(timeout=0.05)
            if message:
                messages.append(message)
            return bool(messages)

        wait_until(heard)
    news = orjson.loads(messages[0]["data"])
    assert news["players"] == [players[0]]
    assert {board["period"] for board in news["boards"]} >= {"all"}
    assert {board["board"] for board in news["boards"]} == {"main"}


def test_a_doorbell_of_long_ago_costs_no_waiting_and_one_that_is_fresh_waits_for_more(
    worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[int | None] = []
    read = worker.inbox.read

    def noted(consumer: str, count: int, wait_ms: int | None = None) -> list[Entry]:
        waits.append(wait_ms)
        return read(consumer, count, wait_ms)

    monkeypatch.setattr(worker.inbox, "read", noted)
    assert not worker.drain.run()
    assert waits == [None]
    assert worker.inbox.acquire_doorbell()
    assert not worker.drain.run()
    assert drain_module.WAIT_FOR_MORE_MS in waits


def test_of_a_pile_of_sweeps_one_takes_its_turn(worker: WorkerState) -> None:
    turns = [maintenance.takes_turn(worker, task_names.SWEEP, task_names.SWEEP_SECONDS) for _ in range(100)]
    assert turns == [True] + [False] * 99
    assert maintenance.takes_turn(worker, task_names.VERIFY, task_names.VERIFY_SECONDS)
    wait_until(lambda: maintenance.takes_turn(worker, task_names.SWEEP, task_names.SWEEP_SECONDS))


@pytest.mark.parametrize("owner", ["this process", "a dead one"])
def test_what_an_outage_has_left_pending_is_applied_at_once_however_much_it_is(
    worker: WorkerState, players: list[str], owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each drain takes over a batch; as long as there are more, it rings for the next one and waits for no sweep."""
    monkeypatch.setattr(drain_module, "BATCH", 50)
    monkeypatch.setattr(drain_module, "ABANDONED_MS", 0)
    for number in range(220):
        accept(worker, players[number % len(players)])
    consumer = worker.drain.consumer if owner == "this process" else "dead"
    while worker.inbox.read(consumer, 50):
        pass
    rings = []
    while worker.inbox.depth():
        rings.append(worker.drain.run())
        assert rings[-1] or not worker.inbox.depth(), "somebody has to ring"
    assert len(rings) <= 5


def test_an_action_that_the_web_knows_before_the_worker_does_is_counted(
    worker: WorkerState, players: list[str]
) -> None:
    accept(worker, players[0])
    drain_completely(worker)  # the worker has read the catalogue, and believes it for some seconds
    with worker.engine.begin() as connection:
        catalogue.add(connection, Action("brand-new", 1, 7, ("main",)), enabled=True)
    key = accept(worker, players[0], "brand-new")
    drain_completely(worker)
    receipt = worker.inbox.receipt(players[0], key)
    assert receipt
    assert receipt["status"] == "applied"
