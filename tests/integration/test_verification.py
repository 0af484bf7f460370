"""Verifying and rebuilding: what differs is found, told and repaired, and what agrees is left alone."""

import json
import random
import secrets

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from common.core import metrics
from common.redis_store import keys
from common.redis_store.keys import BoardKeys
from common.services.verification import Drift
from dev.harness.waiting import wait_until
from tests.command_line import CommandLine
from tests.inbox import accept, add_users, drain_completely
from workers import closing, verifying
from workers.state import WorkerState

BOARD = BoardKeys("main", "all")


@pytest.fixture
def players(worker: WorkerState) -> list[str]:
    """The ids of five players with points."""
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    ids = add_users(worker.engine, 5)
    for user_id in [*ids, *draw.choices(ids, k=30)]:
        accept(worker, user_id, draw.choice(["win-match", "share", "daily-login"]))
    drain_completely(worker)
    return ids


def drifts(worker: WorkerState) -> list[Drift]:
    return worker.verifier.check(worker.verifier.players(verifying._FIRST))


def change_standing(worker: WorkerState, player: str, what: str) -> None:
    with worker.engine.begin() as connection:
        statement = text(f"UPDATE standings SET {what} WHERE user_id = :user")  # noqa: S608 - the test's own text
        connection.execute(statement, {"user": player})


def forget(worker: WorkerState, table: str, player: str) -> None:
    with worker.engine.begin() as connection:
        statement = text(f"DELETE FROM {table} WHERE user_id = :user")  # noqa: S608 - the test's own text
        connection.execute(statement, {"user": player})


def haunt(worker: WorkerState) -> None:
    """Put a player on the board that nobody knows."""
    worker.redis.zadd(BOARD.scores, {"000000000000000:ghost": 1})
    worker.redis.hset(BOARD.members, "ghost", "1:000000000000000:0")


def listed(client: FlaskClient) -> list[tuple[str, int, int]]:
    entries = client.get("/api/scores/leaderboard").get_json()["entries"]
    return [(entry["userId"], entry["score"], entry["rank"]) for entry in entries]


def test_a_service_at_rest_agrees(worker: WorkerState, players: list[str]) -> None:
    assert drifts(worker) == []


def test_a_standing_that_does_not_follow_from_the_ledger_is_found(worker: WorkerState, players: list[str]) -> None:
    change_standing(worker, players[0], "score = score + 1")
    found = [drift for drift in drifts(worker) if drift.where == "postgresql"]
    assert len({drift.key.period_id for drift in found}) == len(found) == 4
    for drift in found:
        assert drift.key.user_id == players[0]
        assert drift.expected
        assert drift.found == (drift.expected[0] + 1, *drift.expected[1:])


def test_a_wrong_tie_a_missing_and_an_unfounded_standing_are_found(worker: WorkerState, players: list[str]) -> None:
    mistaken, lost, unfounded = players[:3]
    change_standing(worker, mistaken, "tie = tie - 1")
    forget(worker, "standings", lost)
    forget(worker, "score_events", unfounded)
    found = [drift for drift in drifts(worker) if drift.where == "postgresql" and drift.key.period_id == "all"]
    assert {drift.key.user_id: (drift.expected is None, drift.found is None) for drift in found} == {
        mistaken: (False, False),
        lost: (False, True),
        unfounded: (True, False),
    }


def test_a_row_of_redis_that_differs_is_found(worker: WorkerState, players: list[str]) -> None:
    (member,) = [str(row) for row in worker.redis.zrange(BOARD.scores, 0, -1) if players[0] in str(row)]
    worker.redis.zadd(BOARD.scores, {member: 7777})
    (drift,) = drifts(worker)
    assert (drift.where, drift.key.user_id, drift.key.period_id) == ("redis", players[0], "all")
    assert drift.expected
    assert drift.found == (7777, *drift.expected[1:])


def test_a_row_that_redis_lacks_is_found(worker: WorkerState, players: list[str]) -> None:
    (member,) = [str(row) for row in worker.redis.zrange(BOARD.scores, 0, -1) if players[0] in str(row)]
    worker.redis.zrem(BOARD.scores, member)
    worker.redis.hdel(BOARD.members, players[0])
    haunt(worker)
    (drift,) = drifts(worker)
    assert (drift.where, drift.key.user_id, drift.found) == ("redis", players[0], None)


def test_a_player_that_only_redis_has_is_counted(worker: WorkerState, players: list[str]) -> None:
    assert worker.verifier.surplus("main", "all") == 0
    haunt(worker)
    assert worker.verifier.surplus("main", "all") == 1


def test_a_board_that_redis_does_not_show_is_no_drift(worker: WorkerState, players: list[str]) -> None:
    worker.redis.flushdb()
    assert drifts(worker) == []


def test_what_came_too_late_for_a_closed_period_is_no_drift(worker: WorkerState, players: list[str]) -> None:
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE periods SET starts_at = 'epoch', ends_at = 'epoch'"))
    assert closing.close_ended(worker)
    accept(worker, players[0], "win-tournament")
    drain_completely(worker)
    assert drifts(worker) == []


def test_the_command_says_that_everything_agrees(command_line: CommandLine, players: list[str]) -> None:
    done = command_line("verify")
    assert (done.returncode, done.stdout) == (0, "5 players verified: everything agrees\n"), done.stderr


def test_the_command_finds_drift_repairs_it_and_finds_none(
    command_line: CommandLine, worker: WorkerState, players: list[str], client: FlaskClient
) -> None:
    before = listed(client)
    change_standing(worker, players[0], "score = 1, tie = 1")
    forget(worker, "standings", players[1])
    haunt(worker)
    found = command_line("verify", "--patience", "0", "--json")
    assert found.returncode == 1, found.stderr
    report = json.loads(found.stdout)
    assert {row["user_id"] for row in report["drift"]} == {players[0], players[1]}
    assert [row["players"] for row in report["surplus"]] == [2, 1, 1, 1]

    repaired = command_line("verify", "--repair", "--patience", "0")
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert command_line("verify", "--patience", "0").returncode == 0
    assert listed(client) == before
    accept(worker, players[0], "share")
    drain_completely(worker)
    assert drifts(worker) == []


def test_a_board_is_rebuilt_by_the_command_under_a_new_epoch(
    command_line: CommandLine, worker: WorkerState, players: list[str]
) -> None:
    epoch = worker.redis.hget(BOARD.meta, "epoch")
    worker.redis.zadd(BOARD.scores, {str(member): 9 for member in worker.redis.zrange(BOARD.scores, 0, 0)})
    done = command_line("rebuild", "--board", "main", "--period", "all")
    assert (done.returncode, done.stdout) == (0, "rebuilt main all: 5 players\n"), done.stderr
    assert worker.redis.hget(BOARD.meta, "epoch") != epoch
    assert drifts(worker) == []


def test_every_open_board_is_rebuilt_unless_one_is_named(command_line: CommandLine, players: list[str]) -> None:
    done = command_line("rebuild")
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["rebuilt", "main"]] * 4


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--board", "none"], "there is no board 'none'; there are: main"),
        (["--period", "2026-13"], "there is no period '2026-13'"),
        (["--period", "soon"], "there is no period 'soon'"),
    ],
)
def test_a_board_or_period_that_cannot_be_is_refused(
    command_line: CommandLine, arguments: list[str], problem: str
) -> None:
    done = command_line("rebuild", *arguments)
    assert done.returncode == 2
    assert problem in done.stderr


def turns(worker: WorkerState, count: int) -> None:
    for _ in range(count):
        verifying.verify_some(worker)


def drift_metric() -> float:
    (family,) = metrics.DRIFT.collect()
    return float(family.samples[0].value)


def test_the_job_goes_through_everybody_and_begins_anew(worker: WorkerState, players: list[str]) -> None:
    turns(worker, 2)
    assert verifying.Round.load(worker).after == verifying._FIRST
    assert drift_metric() == 0


def test_the_job_shows_drift_that_stays_until_it_is_repaired(worker: WorkerState, players: list[str]) -> None:
    change_standing(worker, players[0], "score = score + 1")
    turns(worker, verifying.TURNS_BEFORE_REPORT)
    assert drift_metric() == 0, "it may still be right after a redelivery"
    turns(worker, 3)
    assert drift_metric() > 0
    worker.verifier.recount([players[0]])
    for period in {drift.key.period_id for drift in drifts(worker)}:
        assert worker.rebuilder.rebuild("main", period)
    turns(worker, 3)
    assert drift_metric() == 0


def test_the_job_begins_anew_where_redis_has_forgotten(worker: WorkerState, players: list[str]) -> None:
    verifying.Round(after=max(players), found=7).save(worker)  # it had come to the end, and would check nobody else
    worker.redis.delete(keys.VERIFICATION)
    change_standing(worker, min(players), "score = score + 1")
    turns(worker, verifying.TURNS_BEFORE_REPORT + 1)  # as many as a first round takes
    found = [drift for drift in drifts(worker) if drift.where in ("postgresql", "redis")]
    assert {drift.key.user_id for drift in found} == {min(players)}
    assert verifying.Round.load(worker).last_found == len(found), "everybody was checked, and the seven are forgotten"


def test_what_is_recounted_while_updates_come_stays_right(
    worker: WorkerState, players: list[str], draining: None
) -> None:
    """A worker drains in its thread all the time."""
    for _ in range(50):
        accept(worker, players[0], "share")
        worker.verifier.recount([players[0]])
    wait_until(lambda: worker.inbox.depth() == 0)
    assert [drift for drift in drifts(worker) if drift.where == "postgresql"] == []
