"""Whoever follows the ledger gets every update once, in order, though transactions commit in any order."""

import secrets
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, text

from common.domain import passwords
from common.domain.permissions import Permissions, Scope
from common.postgres import engine as database
from common.postgres import ledger, tables, users
from common.services import ledger_tail
from common.services.ledger_tail import LedgerTail
from tests.game_server import GameServer, game_server
from tests.inbox import accept, add_users, drain_completely
from tests.player import PASSWORD, Player, error_code, log_in
from workers.state import WorkerState

TAIL = "/api/admin/events"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def chief(client: FlaskClient, worker: WorkerState) -> Player:
    with worker.engine.begin() as connection:
        users.create(connection, "chief", passwords.hashed(PASSWORD), "admin")
    return log_in(client, "chief")


@pytest.fixture
def writers(worker: WorkerState) -> Iterator[Engine]:
    """Connections for transactions that are open at the same time."""
    engine = database.create(worker.settings, pool_size=6, statement_timeout_ms=10_000)
    yield engine
    engine.dispose()


@pytest.fixture
def always_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watermark is taken for every page, and a batch is not waited for."""
    monkeypatch.setattr(ledger_tail, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(ledger_tail, "PATIENCE_SECONDS", 0.0)


def reader(client: FlaskClient, worker: WorkerState, scope: Scope = Scope.READ) -> GameServer:
    return game_server(client, worker.engine, worker.settings.secret_keys[0], Permissions(frozenset({scope})))


def follow(player: Player, after: str = "0", limit: int = 1000) -> dict[str, Any]:
    answer = player.client.get(f"{TAIL}?after={after}&limit={limit}", headers=player.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def record(connection: Connection) -> int:
    """Record an update as a batch does, within the transaction that is open; its number."""
    ledger.lock_shared(connection)
    _, (number,) = ledger.reserve(connection, 1)
    row = {
        "id": number, "user_id": str(uuid.uuid4()), "idempotency_key": secrets.token_hex(8), "action_id": "share",
        "action_version": 1, "points": 1, "score_after": 1, "occurred_at": NOW, "accepted_at": NOW, "recorded_at": NOW,
    }  # fmt: skip
    connection.execute(tables.score_events.insert(), row)
    return number


def test_the_tail_has_every_update_in_order_page_by_page(worker: WorkerState, chief: Player) -> None:
    (player,) = add_users(worker.engine, 1)
    sent = [accept(worker, player, "share") for _ in range(5)]
    accept(worker, player, "no-such-action")
    drain_completely(worker)
    whole = follow(chief)
    assert [event["idempotencyKey"] for event in whole["events"][:5]] == sent
    first, refused = whole["events"][0], whole["events"][5]
    assert (first["userId"], first["points"], first["boards"], first["void"]) == (player, 1, ["main"], None)
    assert (refused["points"], refused["boards"], refused["refusal"]) == (0, [], "unknown_action")
    found, after = [], "0"
    for _ in range(4):
        page = follow(chief, after, 2)
        found += page["events"]
        after = page["nextAfter"]
    assert found == whole["events"]
    assert after == whole["nextAfter"] == whole["events"][-1]["eventId"]
    assert follow(chief, after) == {"events": [], "nextAfter": after}


def test_a_void_is_told_as_of_now(worker: WorkerState, chief: Player) -> None:
    (player,) = add_users(worker.engine, 1)
    accept(worker, player)
    drain_completely(worker)
    number = follow(chief)["events"][0]["eventId"]
    body = {"reason": "counted twice"}
    assert chief.client.post(f"{TAIL}/{number}/void", json=body, headers=chief.headers).status_code == 200
    assert follow(chief)["events"][0]["void"]["reason"] == "counted twice"


@pytest.mark.usefixtures("always_anew")
def test_a_late_commit_holds_up_what_comes_after_it_and_is_not_missed(
    worker: WorkerState, writers: Engine, chief: Player
) -> None:
    with writers.connect() as late, writers.connect() as quick:
        before = record(quick)
        quick.commit()
        assert follow(chief)["nextAfter"] == str(before)
        held = record(late)
        overtaking = record(quick)
        quick.commit()
        assert before < held < overtaking
        meanwhile = follow(chief, str(before))
        assert meanwhile == {"events": [], "nextAfter": str(before)}, "the greater number is committed, and waits"
        late.commit()
        found = follow(chief, meanwhile["nextAfter"])["events"]
        assert [event["eventId"] for event in found] == [str(held), str(overtaking)]


@pytest.mark.usefixtures("always_anew")
def test_a_transaction_that_came_to_nothing_holds_up_nobody(writers: Engine, chief: Player) -> None:
    with writers.connect() as failing, writers.connect() as quick:
        record(failing)
        overtaking = record(quick)
        quick.commit()
        failing.rollback()
        assert [event["eventId"] for event in follow(chief)["events"]] == [str(overtaking)]


@pytest.mark.usefixtures("always_anew")
def test_while_a_batch_hangs_what_the_checkpoint_has_can_be_read(
    worker: WorkerState, writers: Engine, chief: Player
) -> None:
    with writers.connect() as late, writers.connect() as quick:
        before = record(quick)
        quick.commit()
        worker.verifier.checkpoint.advance(before, 100, 1000)
        record(late)
        record(quick)
        quick.commit()
        fresh = LedgerTail(worker.engine)
        assert [event.id for event in fresh.read(0, 10)] == [before], "by a process that has no watermark yet"
        late.rollback()


def test_whoever_follows_while_many_record_gets_every_update_once(
    worker: WorkerState, writers: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_tail, "FRESH_SECONDS", 0.0)
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    recorded: set[int] = set()
    done = threading.Event()

    def write(number: int) -> None:
        random = Random(seed + number)
        with writers.connect() as connection:
            for _ in range(40):
                numbers = [record(connection) for _ in range(random.randint(1, 3))]
                done.wait(random.random() / 200)  # a batch takes a while between its numbers and its commit
                if random.random() < 0.2:
                    connection.rollback()
                else:
                    connection.commit()
                    recorded.update(numbers)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    tail, found = LedgerTail(worker.engine), [0]
    while any(thread.is_alive() for thread in threads):
        found += [event.id for event in tail.read(found[-1], 7)]
    while page := tail.read(found[-1], 7):
        found += [event.id for event in page]
    assert found[1:] == sorted(recorded)


def test_the_watermark_is_taken_once_a_second_and_only_for_who_has_come_so_far(worker: WorkerState) -> None:
    now = [100.0]
    tail = LedgerTail(worker.engine, lambda: now[0])
    with worker.engine.connect() as connection:
        first = record(connection)
        connection.commit()
        assert [event.id for event in tail.read(0, 5)] == [first]
        second = record(connection)
        connection.commit()
        assert tail.read(first, 5) == []
        now[0] += ledger_tail.FRESH_SECONDS
        assert [event.id for event in tail.read(first, 5)] == [second]


def test_the_ledger_is_for_admins_and_keys_that_may_read(client: FlaskClient, worker: WorkerState, ada: Player) -> None:
    assert error_code(client.get(TAIL)) == "token_missing"
    assert error_code(client.get(TAIL, headers=ada.headers)) == "forbidden"
    writer = reader(client, worker, Scope.SUBMIT)
    assert error_code(client.get(TAIL, headers=writer.headers_to_read(TAIL))) == "api_key_scope"
    accept(worker, ada.user_id)
    drain_completely(worker)
    answer = client.get(TAIL, headers=reader(client, worker).headers_to_read(TAIL))
    assert [event["userId"] for event in answer.get_json()["events"]] == [ada.user_id]


@pytest.mark.parametrize("query", ["after=-1", "after=1.5", "after=x", "limit=0", "limit=1001", "cursor=x"])
def test_what_is_no_place_in_the_ledger_is_refused(chief: Player, query: str) -> None:
    answer = chief.client.get(f"{TAIL}?{query}", headers=chief.headers)
    assert (answer.status_code, error_code(answer)) == (400, "validation_failed")


def test_a_number_that_no_update_has_yet_is_where_one_may_wait(chief: Player) -> None:
    assert follow(chief, "999999999999999999") == {"events": [], "nextAfter": "999999999999999999"}


def test_no_batch_waits_for_a_reader(worker: WorkerState, writers: Engine) -> None:
    """The lock is only looked at, never asked for, while another transaction holds it."""
    with writers.connect() as late:
        record(late)
        LedgerTail(worker.engine).read(0, 5)
        with writers.connect() as other:
            waiting = other.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
            assert waiting == 0
        late.rollback()
