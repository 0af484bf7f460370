"""Who sent an update stands in the ledger and in the worker's log line; and a claim of nothing changes nothing."""

import json

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from common.core.settings import Settings
from common.domain.inbox_entries import Delivery, read_entry
from common.domain.ledger_row import PLAYER
from common.domain.scoring import Action
from common.postgres import quarantine
from common.postgres.quarantine import QuarantinedEntry
from tests.game_server import game_server, item
from tests.inbox import add_action, drain_completely
from tests.player import Player
from workers.state import WorkerState

ENTRY_OF_BEFORE = {
    "user_id": "00000000-0000-4000-8000-000000000000",
    "action_id": "share",
    "idempotency_key": "key-of-before",
    "occurred_at": "2026-11-23T09:15:00.123Z",
    "request_id": "request-id",
    "reply_to": None,
}


def test_the_ledger_and_the_log_name_the_player_and_the_api_key(
    client: FlaskClient, ada: Player, worker: WorkerState, settings: Settings
) -> None:
    server = game_server(client, worker.engine, settings.secret_key.get_secret_value())
    ada.update("share", "by-the-player")
    server.send(item(ada.user_id, "win-match", "by-the-server"))
    with capture_logs() as lines:
        drain_completely(worker)

    expected = {"share": PLAYER, "win-match": server.key_id}
    assert sources(worker.engine) == expected
    applied = [line for line in lines if line["event"] == "update_applied"]
    assert {line["action_id"]: line["source"] for line in applied} == expected


def test_an_entry_of_a_version_that_did_not_say_who_sent_it_is_applied_and_can_be_retried() -> None:
    fields = {"update": json.dumps(ENTRY_OF_BEFORE), "accepted_at": "1700000000000"}
    entry = read_entry("1-1", fields, 1)

    assert isinstance(entry, Delivery)
    assert entry.update.source is None
    for payload in (ENTRY_OF_BEFORE, {**ENTRY_OF_BEFORE, "source": PLAYER}):
        row = QuarantinedEntry(1, "1-1", "", dict(payload), entry.accepted_at, None, None)
        assert isinstance(read_entry("1-1", {**fields, **quarantine.entry(row)}, 1), Delivery)


@pytest.mark.usefixtures("draining")
def test_an_update_of_nothing_says_the_same_of_a_player_as_their_place(
    client: FlaskClient, ada: Player, worker: WorkerState
) -> None:
    add_action(worker, Action("look-around", 1, 0, ("main",)))
    client.application.extensions["scoreboard"].catalogue._read_at = 0.0

    unranked = entry_of(ada.update("look-around", "nothing-yet"), client)
    assert (unranked["score"], unranked["rank"], unranked["lastUpdated"]) == (0, None, None)

    scored = entry_of(ada.update("share", "one-point"), client)
    again = entry_of(ada.update("look-around", "nothing-more"), client)
    assert again == scored
    worker.redis.flushdb()
    receipt = client.get("/api/scores/updates/nothing-more", headers=ada.headers).get_json()
    assert receipt["entry"]["lastUpdated"] == scored["lastUpdated"]


def entry_of(answer: object, client: FlaskClient) -> dict[str, object]:
    """The entry of an update's answer, which is what the player's place says at that moment."""
    body = answer.get_json()  # type: ignore[attr-defined]
    assert body["status"] == "applied", body
    entry: dict[str, object] = body["entry"]
    place = client.get(f"/api/scores/user/{entry['userId']}").get_json()
    assert entry == {name: place[name] for name in entry}
    return entry


def sources(engine: Engine) -> dict[str, str | None]:
    """By action."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT action_id, source FROM score_events"))
        return {row.action_id: row.source for row in rows}
