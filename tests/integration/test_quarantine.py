"""The quarantine by command: listed with its reason, tried again and counted once, or thrown away."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import pytest
from sqlalchemy import text

from common.core.timestamps import format_instant
from common.domain import inbox_entries
from common.postgres import tables
from common.redis_store import keys
from dev.harness.waiting import wait_until
from tests.command_line import CommandLine
from tests.inbox import accept, accept_at, add_users, board_of, drain_completely
from workers.batches import QUARANTINE_AFTER
from workers.drain import ABANDONED_MS, RETRY_MS
from workers.state import WorkerState

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def quarantined(worker: WorkerState) -> str:
    """The key of an update of a user who does not exist, among good ones, after its last delivery."""
    (player,) = add_users(worker.engine, 1)
    accept(worker, player)
    key = accept(worker, NOBODY, "win-tournament")
    accept(worker, player)
    for _ in range(QUARANTINE_AFTER):
        worker.drain.run()
    assert worker.inbox.depth() == 0
    assert list(board_of(worker).values()) == [50]
    return key


def listed(command_line: CommandLine) -> list[dict[str, object]]:
    return list(json.loads(command_line("quarantine", "list", "--json").stdout))


def status(worker: WorkerState, key: str) -> str:
    receipt = worker.inbox.receipt(NOBODY, key)
    assert receipt
    return receipt["status"]


def test_a_bad_entry_is_listed_with_reason_and_payload(
    command_line: CommandLine, worker: WorkerState, quarantined: str
) -> None:
    (row,) = listed(command_line)
    assert "UnknownUserError" in str(row["reason"])
    payload = row["payload"]
    assert isinstance(payload, dict)
    assert (payload["user_id"], payload["idempotency_key"]) == (NOBODY, quarantined)
    assert status(worker, quarantined) == "refused"
    assert "UnknownUserError" in command_line("quarantine", "list").stdout


def test_what_has_failed_in_one_worker_is_soon_tried_again_by_any_other(worker: WorkerState) -> None:
    accept(worker, NOBODY, "win-tournament")
    worker.drain.run()

    def pending() -> dict[str, int]:
        (entry,) = worker.redis.xpending_range(keys.INBOX, keys.INBOX_GROUP, min="-", max="+", count=10)
        return cast(dict[str, int], entry)

    assert pending()["times_delivered"] == 1
    assert pending()["time_since_delivered"] >= ABANDONED_MS - RETRY_MS
    another = replace(worker.drain, consumer="another")

    def is_tried_again() -> bool:
        another.run()
        return pending()["times_delivered"] == 2

    wait_until(is_tried_again)


def test_once_its_reason_is_mended_it_is_applied_and_counts_once(
    command_line: CommandLine, worker: WorkerState, quarantined: str
) -> None:
    add_nobody(worker)
    (entry,) = listed(command_line)
    done = command_line("quarantine", "retry", str(entry["id"]))
    assert (done.returncode, done.stdout) == (0, f"{entry['id']}: back in the inbox\n"), done.stderr
    assert status(worker, quarantined) == "accepted"
    drain_completely(worker)
    assert status(worker, quarantined) == "applied"
    assert board_of(worker)[NOBODY] == 100
    assert listed(command_line) == []
    with worker.engine.connect() as connection:
        accepted_at = connection.execute(
            text("SELECT accepted_at FROM score_events WHERE idempotency_key = :key"), {"key": quarantined}
        ).scalar_one()
    assert (datetime.now(UTC) - accepted_at).total_seconds() < 60


def test_one_that_fails_again_is_quarantined_again(
    command_line: CommandLine, worker: WorkerState, quarantined: str
) -> None:
    (entry,) = listed(command_line)
    command_line("quarantine", "retry", str(entry["id"]))
    for _ in range(QUARANTINE_AFTER):
        worker.drain.run()
    (again,) = listed(command_line)
    assert again["id"] != entry["id"]
    assert status(worker, quarantined) == "refused"


def test_a_discarded_entry_is_printed_and_gone(
    command_line: CommandLine, worker: WorkerState, quarantined: str
) -> None:
    (entry,) = listed(command_line)
    done = command_line("quarantine", "discard", str(entry["id"]))
    assert json.loads(done.stdout) == entry
    assert listed(command_line) == []
    assert worker.inbox.depth() == 0


def add_nobody(worker: WorkerState) -> None:
    """Now there is such a user."""
    row = {"id": NOBODY, "username": "late", "username_key": "late", "password_hash": "-", "role": "player"}
    with worker.engine.begin() as connection:
        connection.execute(tables.users.insert(), row)


def deliver_for_the_last_time(worker: WorkerState) -> None:
    for _ in range(QUARANTINE_AFTER):
        worker.drain.run()
    assert worker.inbox.depth() == 0


def test_however_often_it_is_tried_again_it_counts_in_the_periods_in_which_it_was_accepted(
    command_line: CommandLine, worker: WorkerState
) -> None:
    long_ago = datetime(2026, 3, 4, 5, 6, 7, 890_000, UTC)
    accept_at(worker, NOBODY, long_ago, "win-tournament")
    for _ in range(2):
        deliver_for_the_last_time(worker)
        (entry,) = listed(command_line)
        assert entry["accepted_at"] == format_instant(long_ago)
        assert command_line("quarantine", "retry", str(entry["id"])).returncode == 0
    add_nobody(worker)
    drain_completely(worker)
    with worker.engine.connect() as connection:
        assert connection.execute(text("SELECT accepted_at FROM score_events")).scalar_one() == long_ago
        periods = connection.scalars(text("SELECT period_id FROM standings ORDER BY period_id")).all()
    assert periods == ["2026-03", "2026-03-04", "2026-W10", "all"]


def test_what_an_earlier_version_quarantined_can_be_tried_again(command_line: CommandLine, worker: WorkerState) -> None:
    """Its rows have neither the entry nor the instant; of what it could not read the payload is the entry."""
    update = {
        "user_id": NOBODY,
        "action_id": "share",
        "idempotency_key": "of-an-earlier-version",
        "occurred_at": "2026-11-23T09:15:00.123Z",
        "request_id": "request",
        "reply_to": None,
    }
    unread = {
        "update": json.dumps({**update, "idempotency_key": "never-read", "more": 1}),
        "accepted_at": "1772600767890",
    }
    with worker.engine.begin() as connection:
        for inbox_id, payload in (("1772600767890-0", update), ("1772600767890-1", unread)):
            connection.execute(
                tables.score_quarantine.insert(), {"inbox_id": inbox_id, "reason": "cannot be read", "payload": payload}
            )
    add_nobody(worker)
    assert command_line("quarantine", "retry", "--all").returncode == 0
    assert listed(command_line) == []
    drain_completely(worker)
    assert board_of(worker)[NOBODY] == 2
    with worker.engine.connect() as connection:
        instants = connection.scalars(text("SELECT accepted_at FROM score_events")).all()
    assert instants == [datetime(2026, 3, 4, 5, 6, 7, 890_000, UTC)] * 2


def test_what_nobody_could_read_is_kept_as_it_stood_and_tried_again(
    command_line: CommandLine, worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_nobody(worker)
    key = accept(worker, NOBODY, "win-tournament")
    with monkeypatch.context() as earlier:
        earlier.setattr(inbox_entries, "is_uuid", lambda _: False)
        earlier.setattr(inbox_entries, "sender", lambda _: None)
        deliver_for_the_last_time(worker)
    assert status(worker, key) == "accepted"
    (entry,) = listed(command_line)
    assert entry["reason"] == "cannot be read"
    assert command_line("quarantine", "retry", "--all").stdout == f"{entry['id']}: back in the inbox\n"
    drain_completely(worker)
    assert status(worker, key) == "applied"
    assert board_of(worker)[NOBODY] == 100


def test_the_receipt_of_an_entry_nobody_can_read_ends_if_it_says_whose_it_is(worker: WorkerState) -> None:
    update = {"user_id": NOBODY, "action_id": "share", "idempotency_key": "a-key-of-ours", "occurred_at": 5}
    worker.redis.xadd(keys.INBOX, {"update": json.dumps(update), "accepted_at": "1772600767890"})
    deliver_for_the_last_time(worker)
    assert status(worker, "a-key-of-ours") == "refused"


def test_what_is_no_entry_at_all_may_be_tried_again_and_is_quarantined_again(
    command_line: CommandLine, worker: WorkerState
) -> None:
    worker.redis.xadd(keys.INBOX, {"something": "[else]"})
    deliver_for_the_last_time(worker)
    (entry,) = listed(command_line)
    assert "[else]" in command_line("quarantine", "list").stdout
    assert command_line("quarantine", "retry", str(entry["id"])).returncode == 0
    deliver_for_the_last_time(worker)
    (again,) = listed(command_line)
    assert (again["entry"], again["accepted_at"]) == (
        {"something": "[else]", "accepted_at": _milliseconds(entry)},
        entry["accepted_at"],
    )


def _milliseconds(entry: dict[str, object]) -> str:
    return str(round(datetime.fromisoformat(str(entry["accepted_at"])).timestamp() * 1000))


def test_a_retry_of_nothing_and_one_of_everything_and_more_are_refused(command_line: CommandLine) -> None:
    for arguments in ((), ("--all", "1")):
        done = command_line("quarantine", "retry", *arguments)
        assert (done.returncode, "name the ids, or --all" in done.stderr) == (2, True)


def test_an_id_that_is_not_there_changes_nothing(command_line: CommandLine, worker: WorkerState) -> None:
    done = command_line("quarantine", "discard", "42")
    assert (done.returncode, "nothing with the id 42" in done.stderr) == (1, True)
