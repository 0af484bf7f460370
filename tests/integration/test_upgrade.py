"""Upgrade and rollback with data and a full inbox: whatever another version left is applied exactly once.

What stands here as literal text is how the versions before migration 0010 wrote it. It does not change with the code.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from common.core.settings import Settings
from common.domain import inbox_entries
from common.domain.inbox_entries import ENTRY_VERSION
from common.postgres import engine as database
from common.postgres import migrate, schema
from common.redis_store import held, keys
from common.redis_store.client import Client
from dev.harness.servers import Servers
from dev.harness.waiting import wait_until
from tests.conftest import SettingsFactory
from tests.inbox import accept, add_users, board_of, drain_completely
from workers import maintenance
from workers.state import WorkerState

BEFORE = "0008"
ACCEPTED_AT = 1_793_000_000_000
"""2026-10-26T04:53:20Z, in milliseconds."""

ADA, BEN = "3f2b8c1e-5d4a-4c3b-9a2e-7f6d5c4b3a21", "8f15d882-8a9f-4189-b783-e9fd3f6124ef"

ENTRY = (
    '{"user_id":"%s","action_id":"%s","idempotency_key":"%s","occurred_at":"2026-10-26T04:53:20.000Z",'
    '"request_id":"c0ffee","reply_to":%s}'
)
RECEIPT = (
    '{"status":"accepted","update":{"userId":"%s","actionId":"%s","idempotencyKey":"%s"},"nonce":"0123456789abcdef"}'
)

ROWS = """
INSERT INTO boards (id) VALUES ('main');

INSERT INTO actions (id, version, points, boards)
VALUES ('share', 1, 1, '{{main}}'), ('complete-level', 1, 10, '{{main}}'), ('win-match', 1, 25, '{{main}}');

INSERT INTO users (id, username, username_key, password_hash, role)
VALUES ('{ada}', 'Ada', 'ada', '-', 'player'), ('{ben}', 'Ben', 'ben', '-', 'player');

INSERT INTO score_events (id, user_id, idempotency_key, action_id, action_version, points, score_after,
                          occurred_at, accepted_at, recorded_at)
SELECT nextval('score_event_ids'), '{ada}', key, 'win-match', 1, 25, after, at, at, at
FROM (VALUES ('applied-before', 25), ('committed-and-not-settled', 50)) AS events(key, after),
     to_timestamp({seconds}) AS at;

INSERT INTO standings (board_id, period_id, user_id, score, tie, version, updated_at)
SELECT 'main', period, '{ada}', 50, 2, 2, to_timestamp({seconds})
FROM unnest(ARRAY['all', '2026-10-26', '2026-W44', '2026-10']) AS period;

INSERT INTO score_quarantine (inbox_id, reason, payload)
VALUES ('{milliseconds}-9', 'cannot be read', '{{"update": "{{}}", "accepted_at": "{milliseconds}"}}');
"""


@pytest.fixture
def settings_before(servers: Servers, make_settings: SettingsFactory) -> Settings:
    """Of an installation that the last version before 0010 ran, with rows in its database."""
    settings = make_settings(DATABASE_URL=servers.create_database(f"before_{uuid.uuid4().hex[:8]}"))
    engine = database.create(settings, pool_size=1, statement_timeout_ms=30_000)
    migrate.upgrade(engine, BEFORE)
    with engine.begin() as connection:
        rows = ROWS.format(ada=ADA, ben=BEN, seconds=ACCEPTED_AT // 1000, milliseconds=ACCEPTED_AT)
        connection.exec_driver_sql(rows)
    engine.dispose()
    return settings


@pytest.fixture
def upgraded(settings_before: Settings) -> Iterator[WorkerState]:
    """The first worker of this version, after `scoreboard migrate`, on the Redis that the earlier one left."""
    state = WorkerState.create(settings_before)
    _fill_inbox(state.redis)
    migrate.upgrade(state.engine)
    schema.require_fit_at_start(settings_before)
    maintenance.repair(state)
    yield state
    state.close()


def _fill_inbox(client: Client) -> None:
    client.xgroup_create(keys.INBOX, keys.INBOX_GROUP, id="0", mkstream=True)
    _put(client, ADA, "win-match", "committed-and-not-settled", "null")
    _put(client, BEN, "share", "read-and-never-applied", "null")
    client.xreadgroup(keys.INBOX_GROUP, "an-earlier-worker", {keys.INBOX: ">"}, count=10)
    for number in range(30):
        _put(client, BEN, "complete-level", f"never-read-{number:02}", '"0123456789abcdef"')


def _put(client: Client, user_id: str, action_id: str, key: str, reply_to: str) -> None:
    client.xadd(keys.INBOX, {"update": ENTRY % (user_id, action_id, key, reply_to), "accepted_at": str(ACCEPTED_AT)})
    client.set(f"scores:receipt:{user_id}:{key}", RECEIPT % (user_id, action_id, key))


def test_after_an_upgrade_what_waited_in_the_inbox_is_applied_exactly_once(upgraded: WorkerState) -> None:
    upgraded.drain.run()
    wait_until(lambda: _is_drained(upgraded))

    assert board_of(upgraded) == {BEN: 301, ADA: 50}
    assert board_of(upgraded, "2026-10-26") == {BEN: 301, ADA: 50}
    with upgraded.engine.connect() as connection:
        rows = connection.execute(text("SELECT count(*), sum(points), min(accepted_at) FROM score_events")).one()
        assert connection.execute(text("SELECT count(*) FROM score_quarantine")).scalar_one() == 1
    assert (rows[0], rows[1], rows[2].timestamp() * 1000) == (33, 351, ACCEPTED_AT)
    for user_id, key in ((ADA, "committed-and-not-settled"), (BEN, "read-and-never-applied"), (BEN, "never-read-29")):
        receipt = upgraded.inbox.receipt(user_id, key)
        assert receipt
        assert receipt["status"] == "applied"
    assert upgraded.verifier.check([ADA, BEN]) == []


def _is_drained(worker: WorkerState) -> bool:
    worker.drain.run()
    return worker.inbox.depth() == 0


def test_what_was_quarantined_before_the_upgrade_is_there_after_it(upgraded: WorkerState) -> None:
    with upgraded.engine.connect() as connection:
        row = connection.execute(text("SELECT reason, payload, accepted_at, entry FROM score_quarantine")).one()
    assert row == ("cannot be read", {"update": "{}", "accepted_at": str(ACCEPTED_AT)}, None, None)


def test_an_earlier_version_may_quarantine_after_the_migration(upgraded: WorkerState) -> None:
    """Its statement, on this version's table: a rollback leaves the database as it is."""
    with upgraded.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO score_quarantine (inbox_id, reason, payload) VALUES ('1-1', 'cannot be read', '{}') "
            "ON CONFLICT (inbox_id) DO NOTHING"
        )


def test_entries_of_a_later_version_wait_for_a_worker_that_reads_them(
    worker: WorkerState, engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollback from tomorrow: this version is the old one."""
    monkeypatch.setattr("workers.held_updates.LONGEST_PAUSE_SECONDS", 0.0)
    tomorrow, today = add_users(engine, 2)
    update = inbox_entries.Update(tomorrow, "share", "of-tomorrow", "2026-10-26T04:53:20.000Z", "request", None)
    fields: dict[Any, Any] = {"update": inbox_entries.encode_update(update)[0], "accepted_at": str(ACCEPTED_AT)}
    worker.redis.xadd(keys.INBOX, {**fields, "version": str(ENTRY_VERSION + 1)})
    for _ in range(10):
        accept(worker, today, "share")
        worker.drain.run()
    assert board_of(worker) == {today: 10}
    assert worker.inbox.depth() == 1
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM score_quarantine")).scalar_one() == 0
    expected = f"entries have version {ENTRY_VERSION + 1}; this worker reads {ENTRY_VERSION}"
    assert held.reason(worker.redis) == expected

    monkeypatch.setattr(inbox_entries, "ENTRY_VERSION", ENTRY_VERSION + 1)
    drain_completely(worker)
    assert board_of(worker) == {today: 10, tomorrow: 1}
    worker.drain.run()
    assert held.reason(worker.redis) is None


def test_a_pile_of_entries_that_wait_hides_none_behind_it(
    worker: WorkerState, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.held_updates.LONGEST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("workers.drain.BATCH", 5)
    for _ in range(12):
        worker.redis.xadd(keys.INBOX, {"version": "9"})
    worker.drain.run()
    (player,) = add_users(engine, 1)
    accept(worker, player)
    worker.inbox.read(worker.drain.consumer, 5)
    wait_until(lambda: bool(worker.drain.run() or board_of(worker)))
    assert board_of(worker) == {player: 25}
    assert worker.inbox.depth() == 12
