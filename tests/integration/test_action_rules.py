"""Cooldown and daily limit, from the operator's command to the answer that is remembered under the key."""

import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from common.core.settings import Settings
from common.domain.scoring import Action
from common.postgres import catalogue, tables
from tests.command_line import CommandLine
from tests.conftest import SettingsFactory
from tests.documents import documented_application
from tests.inbox import accept, accept_at, add_action, add_users, board_of, drain_completely
from tests.player import error_code, register
from workers.state import WorkerState

NOW = datetime.now(UTC).replace(microsecond=0)
LAST_NOON = NOW.replace(hour=12, minute=0, second=0) - timedelta(days=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def add(worker: WorkerState, *, cooldown_seconds: int | None = None, daily_limit: int | None = None) -> str:
    """An action worth 10 points under these rules; its id."""
    return add_action(worker, Action("chest", 1, 10, ("main",), cooldown_seconds, daily_limit))


@pytest.fixture
def ada(worker: WorkerState) -> str:
    (user_id,) = add_users(worker.engine, 1)
    return user_id


def ledger(worker: WorkerState) -> list[tuple[int, str | None]]:
    """Points and refusal of every update, in order."""
    with worker.engine.connect() as connection:
        rows = connection.execute(text("SELECT points, refusal FROM score_events ORDER BY id"))
        return [(row.points, row.refusal) for row in rows]


def test_a_use_within_the_cooldown_counts_nothing(worker: WorkerState, ada: str) -> None:
    chest = add(worker, cooldown_seconds=60)
    for minutes in (0, 0.5, 1, 1.5, 2):
        accept_at(worker, ada, LAST_NOON + minutes * MINUTE, chest)
    drain_completely(worker)
    assert board_of(worker) == {ada: 30}
    assert ledger(worker) == [
        (10, None), (0, "action_on_cooldown"), (10, None), (0, "action_on_cooldown"), (10, None)
    ]  # fmt: skip


def test_the_rules_hold_from_batch_to_batch(worker: WorkerState, ada: str) -> None:
    chest = add(worker, daily_limit=2)
    for instant in (LAST_NOON, LAST_NOON + MINUTE, LAST_NOON + 2 * MINUTE, LAST_NOON - DAY):
        accept_at(worker, ada, instant, chest)
        drain_completely(worker)
    assert ledger(worker) == [(10, None), (10, None), (0, "action_limit_reached"), (10, None)]


def test_one_player_s_uses_are_nobody_else_s_and_other_actions_go_on(worker: WorkerState, ada: str) -> None:
    (bob,) = add_users(worker.engine, 1)
    chest = add(worker, cooldown_seconds=3600, daily_limit=1)
    for player in (ada, bob, ada):
        accept(worker, player, chest)
        accept(worker, player, "share")
    drain_completely(worker)
    assert board_of(worker) == {ada: 12, bob: 11}


def test_a_redelivery_is_not_judged_again(worker: WorkerState, ada: str) -> None:
    chest = add(worker, cooldown_seconds=3600)
    key = accept(worker, ada, chest)
    (delivery,) = worker.inbox.read("dead-worker", 10)
    worker.drain.batches._record([delivery], None)  # type: ignore[list-item]
    worker.drain.batches.apply(worker.inbox.reclaim("heir", 10, 0))
    receipt = worker.inbox.receipt(ada, key)
    assert receipt
    assert receipt["status"] == "applied"
    assert ledger(worker) == [(10, None)]


def test_of_many_at_once_by_several_workers_as_many_count_as_may(settings: Settings, worker: WorkerState) -> None:
    players = add_users(worker.engine, 10)
    chest = add(worker, daily_limit=3)
    workers = [WorkerState.create(settings) for _ in range(4)]
    failures: list[BaseException] = []

    def run(state: WorkerState) -> None:
        try:
            while entries := state.inbox.read(f"w{id(state)}", 7):
                state.drain.batches.apply(entries)
        except BaseException as error:
            failures.append(error)

    for _ in range(20):
        for player in players:
            accept_at(worker, player, LAST_NOON, chest)
    threads = [threading.Thread(target=run, args=(state,)) for state in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for state in workers:
        state.close()
    assert failures == []
    assert Counter(ledger(worker)) == {(10, None): 30, (0, "action_limit_reached"): 170}
    assert board_of(worker) == dict.fromkeys(players, 30)


def test_what_is_accepted_before_the_closing_counts_and_nothing_after(worker: WorkerState, ada: str) -> None:
    with worker.engine.begin() as connection:
        connection.execute(tables.boards.update().values(closes_at=LAST_NOON))
        catalogue.count_change(connection)
    worker.catalogue._read_at = 0.0
    for instant in (LAST_NOON - MINUTE, LAST_NOON, LAST_NOON + MINUTE):
        accept_at(worker, ada, instant, "share")
    drain_completely(worker)
    assert ledger(worker) == [(1, None), (0, "board_closed"), (0, "board_closed")]
    assert worker.verifier.check([ada]) == []


def test_a_closed_board_is_left_out_and_the_others_of_its_action_count_on(worker: WorkerState, ada: str) -> None:
    with worker.engine.begin() as connection:
        connection.execute(tables.boards.insert(), {"id": "contest", "closes_at": LAST_NOON, "periods": ["all"]})
        connection.execute(tables.boards.insert(), {"id": "next", "opens_at": LAST_NOON + MINUTE})
    both = add_action(worker, Action("both", 1, 10, ("contest", "main", "next")))
    contest = add_action(worker, Action("contest", 1, 10, ("contest",)))
    early = add_action(worker, Action("early", 1, 10, ("next",)))
    for instant in (LAST_NOON - MINUTE, LAST_NOON, LAST_NOON + MINUTE):
        for action_id in (both, contest, early):
            accept_at(worker, ada, instant, action_id)
        drain_completely(worker)
    with worker.engine.connect() as connection:
        rows = connection.execute(text("SELECT points, refusal, left_out FROM score_events ORDER BY id")).all()
        scores = connection.execute(text("SELECT board_id, score FROM standings WHERE period_id = 'all'")).all()
        of_contest = connection.execute(text("SELECT count(*) FROM standings WHERE board_id = 'contest'")).scalar_one()
    assert [tuple(row) for row in rows] == [
        (10, None, ["next"]), (10, None, None), (0, "board_not_open", None),
        (10, None, ["contest", "next"]), (0, "board_closed", None), (0, "board_not_open", None),
        (10, None, ["contest"]), (0, "board_closed", None), (10, None, None),
    ]  # fmt: skip
    assert {board: int(score) for board, score in scores} == {"main": 30, "contest": 20, "next": 20}
    assert of_contest == 1, "it has no period but all time"
    assert worker.verifier.check([ada]) == []
    assert worker.verifier.checkpoint.advance(10**9, 100, 5_000)
    assert worker.verifier.check([ada]) == []


def test_an_operator_closes_a_board_and_opens_it_again(worker: WorkerState, command_line: CommandLine) -> None:
    def closes_at() -> datetime | None:
        with worker.engine.connect() as connection:
            return catalogue.load(connection).boards["main"].closes_at

    assert command_line("boards", "close", "main").returncode == 0
    soon = closes_at()
    assert soon
    assert timedelta() < soon - datetime.now(UTC) < timedelta(seconds=7)
    assert command_line("boards", "open", "main").returncode == 0
    assert closes_at() is None
    assert command_line("boards", "close", "main", "--at", "2099-12-31T20:00:00Z").returncode == 0
    (listed,) = json.loads(command_line("boards", "list", "--json").stdout)
    assert (listed["boardId"], listed["closesAt"]) == ("main", "2099-12-31T20:00:00.000Z")
    assert "2099" in command_line("boards", "list").stdout
    assert command_line("boards", "close", "main", "--at", "2020-01-01T00:00:00Z").returncode == 2
    assert command_line("boards", "close", "main", "--at", "tomorrow").returncode == 2
    assert command_line("boards", "close", "nowhere").returncode == 1


def test_a_refused_use_is_409_for_ever_under_its_key(make_settings: SettingsFactory, worker: WorkerState) -> None:
    add(worker, cooldown_seconds=3600)
    with documented_application(make_settings(SCOREBOARD_RESULT_WAIT_MS="5000")) as application:
        ada = register(application.test_client(), "ada")
        claims = [ada.claim("chest"), ada.claim("chest")]
        for claim in claims:
            ada.client.post("/api/scores/update", json=claim, headers={**ada.headers, "Prefer": "respond-async"})
        drain_completely(worker)
        applied, refused = (ada.client.post("/api/scores/update", json=claim, headers=ada.headers) for claim in claims)
        assert (applied.status_code, applied.headers["Idempotent-Replayed"]) == (200, "true")
        assert (refused.status_code, error_code(refused)) == (409, "action_on_cooldown")
        assert refused.headers["Idempotent-Replayed"] == "true"
        receipt = ada.client.get(f"/api/scores/updates/{claims[1]['idempotencyKey']}", headers=ada.headers).get_json()
        assert (receipt["status"], receipt["error"]["code"]) == ("refused", "action_on_cooldown")
        worker.redis.flushall()
        from_the_ledger = ada.client.get(f"/api/scores/updates/{claims[1]['idempotencyKey']}", headers=ada.headers)
        assert from_the_ledger.get_json() == receipt


def test_an_operator_makes_changes_and_lifts_rules(worker: WorkerState, command_line: CommandLine) -> None:
    made = json.loads(command_line("actions", "set", "chest", "--points", "10", "--cooldown", "60").stdout)
    assert made == {
        "actionId": "chest", "version": 1, "kind": "points", "points": 10, "value": None, "boards": ["main"],
        "claimedBy": "both", "cooldownSeconds": 60, "dailyLimit": None, "lifetimeLimit": None, "enabled": True,
    }  # fmt: skip
    changed = json.loads(command_line("actions", "set", "chest", "--daily-limit", "3").stdout)
    assert changed == {**made, "version": 2, "dailyLimit": 3}
    lifted = json.loads(command_line("actions", "set", "chest", "--cooldown", "0", "--disable").stdout)
    assert lifted == {**made, "version": 3, "cooldownSeconds": None, "dailyLimit": 3, "enabled": False}
    listed = json.loads(command_line("actions", "list", "--json").stdout)
    assert lifted in listed
    assert len(listed) == 6
    assert "chest" in command_line("actions", "list").stdout


@pytest.mark.parametrize(
    "arguments",
    [("chest",), ("Chest", "--points", "1"), ("chest", "--points", str(2**53)), ("chest", "--cooldown", "-1")],
    ids=["no points", "bad id", "too many points", "negative"],
)
def test_what_makes_no_sense_changes_nothing(
    worker: WorkerState, command_line: CommandLine, arguments: tuple[str, ...]
) -> None:
    answer = command_line("actions", "set", *arguments)
    assert answer.returncode == 2
    assert answer.stderr.startswith("scoreboard: ")
    with worker.engine.connect() as connection:
        assert len(catalogue.list_all(connection)) == 5
