"""Inbox entries across versions: what an earlier or a later version wrote is read, or waits, and is never spoiled."""

from dataclasses import replace
from typing import Any, NamedTuple

import orjson
import pytest

from common.domain import inbox_entries, outcomes
from common.domain.inbox_entries import (
    ENTRY_VERSION,
    Delivery,
    MalformedEntry,
    Newer,
    Reply,
    Sender,
    Update,
    read_entry,
)

USER = "3f2b8c1e-5d4a-4c3b-9a2e-7f6d5c4b3a21"
OF_THE_FIRST_VERSION: dict[str, Any] = {
    "user_id": USER,
    "action_id": "share",
    "idempotency_key": "a-key-of-ours",
    "occurred_at": "2026-11-23T09:15:00.123Z",
    "request_id": "request",
    "reply_to": None,
}
EXPECTED = Update(USER, "share", "a-key-of-ours", "2026-11-23T09:15:00.123Z", "request", None)


class OldUpdate(NamedTuple):
    """What the first readers insist on: exactly these fields."""

    user_id: str
    action_id: str
    idempotency_key: str
    occurred_at: str
    request_id: str
    reply_to: str | None


def read(update: object, **fields: str) -> inbox_entries.Entry:
    return read_entry("1-0", {"update": orjson.dumps(update).decode(), "accepted_at": "1772600767890", **fields}, 1)


@pytest.mark.parametrize(
    ("update", "fields"),
    [
        (OF_THE_FIRST_VERSION, {}),
        (OF_THE_FIRST_VERSION, {"version": "1"}),
        ({**OF_THE_FIRST_VERSION, "of_a_later_version": {"any": "thing"}}, {"version": "1", "further": "field"}),
        ({name: value for name, value in OF_THE_FIRST_VERSION.items() if name != "reply_to"}, {}),
    ],
    ids=["without a version", "with one", "with unknown fields", "without what has a default"],
)
def test_fields_may_come_and_go_within_a_version(update: dict[str, Any], fields: dict[str, str]) -> None:
    entry = read(update, **fields)
    assert isinstance(entry, Delivery)
    assert entry.update == EXPECTED


def test_an_entry_of_a_later_version_is_not_read_but_known_as_such() -> None:
    assert read({"any": "thing"}, version=str(ENTRY_VERSION + 1)) == Newer("1-0", ENTRY_VERSION + 1, 1)


@pytest.mark.parametrize("version", ["", "one", "1.5"])
def test_a_version_that_is_no_number_cannot_be_read(version: str) -> None:
    assert isinstance(read(OF_THE_FIRST_VERSION, version=version), MalformedEntry)


def test_what_is_written_is_read_by_the_first_readers_too() -> None:
    """They refuse every field more or less: this is what a rollback with a full inbox rests on."""
    update, more = inbox_entries.encode_update(EXPECTED)
    assert OldUpdate(**orjson.loads(update))._asdict() == orjson.loads(update) == OF_THE_FIRST_VERSION
    assert not orjson.loads(more).keys() & OF_THE_FIRST_VERSION.keys()
    entry = read_entry("1-0", {"update": update.decode(), "more": more.decode(), "accepted_at": "1772600767890"}, 1)
    assert isinstance(entry, Delivery)
    assert entry.update == EXPECTED


def test_what_is_new_is_written_beside_what_the_first_readers_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_entries, "_FIRST_FIELDS", frozenset({"user_id", "idempotency_key"}))
    update, more = map(orjson.loads, inbox_entries.encode_update(EXPECTED))
    assert update.keys() == {"user_id", "idempotency_key"}
    assert update | more | {"reply_to": None} == OF_THE_FIRST_VERSION, "nothing is written of what is not there"
    entry = read(update, more=orjson.dumps({**more, "later": 1}).decode())
    assert isinstance(entry, Delivery)
    assert entry.update == EXPECTED


def test_an_update_with_a_value_waits_for_workers_that_know_of_values() -> None:
    """A worker of the version before would count it as nothing, and its key would be spent."""
    lap = Update(USER, "lap", "a-key-of-ours", "2026-11-23T09:15:00.123Z", "request", None, "sbk_1", 61_200, -7)
    update, more = inbox_entries.encode_update(lap)
    entry = read(orjson.loads(update), more=more.decode(), version=str(inbox_entries.version_of(lap)))
    assert isinstance(entry, Delivery)
    assert entry.update == lap
    assert [inbox_entries.version_of(each) for each in (EXPECTED, lap, replace(EXPECTED, second=0))] == [1, 2, 2]


def test_an_update_of_an_action_of_a_boards_own_waits_for_workers_that_know_of_it() -> None:
    """A worker of the version before would refuse it, and its key would be spent."""
    own = [replace(EXPECTED, action_id=name, value=0) for name in ("adjust-main", "enrol-main", "adjustment")]
    assert [inbox_entries.version_of(each) for each in own] == [3, 3, 2]


@pytest.mark.parametrize("value", ["61200", 61200.0, True, [1]])
def test_a_value_that_is_no_whole_number_cannot_be_read(value: object) -> None:
    more = orjson.dumps({"value": value}).decode()
    assert isinstance(read(OF_THE_FIRST_VERSION, more=more, version="2"), MalformedEntry)


def test_replies_are_read_across_versions() -> None:
    outcome = outcomes.quarantined(USER, "share", "a-key-of-ours")
    reply = Reply(USER, "a-key-of-ours", "share", outcome, replayed=False)
    message = orjson.loads(inbox_entries.join_replies([inbox_entries.write_reply(reply, orjson.dumps(reply.outcome))]))
    assert message == [[USER, "a-key-of-ours", "share", outcome, False]]
    assert inbox_entries.parse_replies(orjson.dumps([[*message[0], "more"]]).decode()) == [reply]
    assert inbox_entries.parse_replies('{"version": 2, "replies": []}') == []


@pytest.mark.parametrize(
    ("update", "sender"),
    [
        ({**OF_THE_FIRST_VERSION, "occurred_at": 5}, Sender(USER, "share", "a-key-of-ours", None)),
        ({**OF_THE_FIRST_VERSION, "reply_to": {"no": "name"}}, Sender(USER, "share", "a-key-of-ours", None)),
        ({**OF_THE_FIRST_VERSION, "user_id": "nobody"}, None),
        ({**OF_THE_FIRST_VERSION, "idempotency_key": ["a", "list"]}, None),
        ({**OF_THE_FIRST_VERSION, "idempotency_key": "x" * 65}, None),
        (["no", "object"], None),
    ],
    ids=str,
)
def test_whose_an_entry_is_may_be_known_though_it_cannot_be_read(update: object, sender: Sender | None) -> None:
    assert inbox_entries.sender({"update": orjson.dumps(update).decode()}) == sender
