"""The quarantine by command: listed with its reason, tried again and counted once, or thrown away."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import pytest
from sqlalchemy import text

from common import keys, models
from dev.harness.waiting import wait_until
from tests.command_line import CommandLine
from tests.inbox import accept, add_users, board_of, drain_completely
from workers.batches import QUARANTINE_AFTER
from workers.drain import ABANDONED_MS, RETRY_MS
from workers.state import WorkerState

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def set_aside(worker: WorkerState) -> str:
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
    command_line: CommandLine, worker: WorkerState, set_aside: str
) -> None:
    (row,) = listed(command_line)
    assert "UnknownUserError" in str(row["reason"])
    payload = row["payload"]
    assert isinstance(payload, dict)
    assert (payload["user_id"], payload["idempotency_key"]) == (NOBODY, set_aside)
    assert status(worker, set_aside) == "refused"
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
    command_line: CommandLine, worker: WorkerState, set_aside: str
) -> None:
    with worker.engine.begin() as connection:
        row = {"id": NOBODY, "username": "late", "username_key": "late", "password_hash": "-", "role": "player"}
        connection.execute(models.users.insert(), row)
    (entry,) = listed(command_line)
    done = command_line("quarantine", "retry", str(entry["id"]))
    assert (done.returncode, done.stdout) == (0, f"{entry['id']}: back in the inbox\n"), done.stderr
    assert status(worker, set_aside) == "accepted"
    drain_completely(worker)
    assert status(worker, set_aside) == "applied"
    assert board_of(worker)[NOBODY] == 100
    assert listed(command_line) == []
    with worker.engine.connect() as connection:
        accepted_at = connection.execute(
            text("SELECT accepted_at FROM score_events WHERE idempotency_key = :key"), {"key": set_aside}
        ).scalar_one()
    assert (datetime.now(UTC) - accepted_at).total_seconds() < 60


def test_one_that_fails_again_is_set_aside_again(
    command_line: CommandLine, worker: WorkerState, set_aside: str
) -> None:
    (entry,) = listed(command_line)
    command_line("quarantine", "retry", str(entry["id"]))
    for _ in range(QUARANTINE_AFTER):
        worker.drain.run()
    (again,) = listed(command_line)
    assert again["id"] != entry["id"]
    assert status(worker, set_aside) == "refused"


def test_a_discarded_entry_is_printed_and_gone(command_line: CommandLine, worker: WorkerState, set_aside: str) -> None:
    (entry,) = listed(command_line)
    done = command_line("quarantine", "discard", str(entry["id"]))
    assert json.loads(done.stdout) == entry
    assert listed(command_line) == []
    assert worker.inbox.depth() == 0


def test_what_nobody_can_read_can_only_be_discarded(command_line: CommandLine, worker: WorkerState) -> None:
    worker.redis.xadd(keys.INBOX, {"update": "not JSON", "accepted_at": "0"})
    worker.drain.run()
    (entry,) = listed(command_line)
    done = command_line("quarantine", "retry", str(entry["id"]))
    assert done.returncode == 1
    assert "can only be discarded" in done.stderr
    assert listed(command_line) == [entry]


def test_an_id_that_is_not_there_changes_nothing(command_line: CommandLine, worker: WorkerState) -> None:
    done = command_line("quarantine", "discard", "42")
    assert (done.returncode, "nothing with the id 42" in done.stderr) == (1, True)
