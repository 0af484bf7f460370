"""The ledger's checkpoint: old rows are summed once, in statements of bounded time, and no drift escapes."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from common.core import metrics
from common.core.chunk_size import ChunkSize
from common.core.settings import Settings
from common.domain import periods
from common.postgres import checkpoint, ledger
from common.postgres import engine as database
from common.postgres.engine import TooSlowError
from common.redis_store import keys
from common.services.verification import Drift
from dev.harness.waiting import wait_until
from tests.command_line import CommandLine
from tests.inbox import accept, add_users, drain_completely
from workers import verifying
from workers.state import WorkerState

PLAYERS = 200
ROWS = 300_000

# Every second row takes away what the one before it gave; the last two of each player leave a standing of nothing.
_LEDGER = text("""
INSERT INTO score_events (id, user_id, idempotency_key, action_id, action_version, points, score_after,
                          occurred_at, accepted_at, recorded_at)
SELECT nextval('score_event_ids'), (CAST(:users AS uuid[]))[n / 2 % :players + 1], n::text, 'share', 1,
       CASE WHEN n % 2 = 0 THEN 1 ELSE -1 END, 0, now(), now(), now()
FROM generate_series(0, :rows - 1) AS n
""")
_STANDINGS = text("""
INSERT INTO standings (board_id, period_id, user_id, score, tie, version, updated_at)
SELECT 'main', p, e.user_id, 0, max(e.id), 1, max(e.recorded_at)
FROM score_events e CROSS JOIN LATERAL unnest(ARRAY[
    'all', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD'), to_char(now() AT TIME ZONE 'UTC', 'IYYY-"W"IW'),
    to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')]) p
GROUP BY p, e.user_id
""")


@pytest.fixture
def players(worker: WorkerState) -> list[str]:
    """Players with a few points each, of whom the checkpoint knows nothing."""
    ids = add_users(worker.engine, 5)
    for user_id in ids:
        accept(worker, user_id)
    drain_completely(worker)
    return ids


def follow(worker: WorkerState) -> None:
    of = worker.verifier.checkpoint
    assert of.advance(of.find_stable_id(), 1_000_000, 10_000)
    assert of.lag() == 0


def drifts(worker: WorkerState) -> list[Drift]:
    return worker.verifier.check(worker.verifier.players(verifying._FIRST))


def change(worker: WorkerState, statement: str, **values: object) -> None:
    with worker.engine.begin() as connection:
        connection.execute(text(statement), values)


@contextmanager
def timed(engine: Engine) -> Iterator[list[float]]:
    """The seconds that each statement takes, whether or not it comes to a good end."""
    taken: list[float] = []

    def begin(connection: Any, *_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        connection.info["began"] = time.monotonic()

    def end(connection: Any, *_: Any) -> None:  # noqa: ANN401
        taken.append(time.monotonic() - connection.info["began"])

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    try:
        yield taken
    finally:
        event.remove(engine, "before_cursor_execute", begin)
        event.remove(engine, "after_cursor_execute", end)


def test_nothing_differs_before_within_and_after_the_checkpoint(worker: WorkerState, players: list[str]) -> None:
    assert drifts(worker) == []
    of = worker.verifier.checkpoint
    assert of.advance(of.find_stable_id(), 2, 10_000) < of.find_stable_id()
    assert drifts(worker) == []
    follow(worker)
    assert drifts(worker) == []
    accept(worker, players[0], "share")
    drain_completely(worker)
    assert of.lag() == 1
    assert drifts(worker) == []


def test_a_changed_standing_is_found_whether_or_not_the_ledger_is_read_again(
    worker: WorkerState, players: list[str]
) -> None:
    follow(worker)
    change(worker, "UPDATE standings SET score = score + 1 WHERE user_id = :user", user=players[0])
    assert {drift.key.user_id for drift in drifts(worker) if drift.where == "postgresql"} == {players[0]}


def test_a_row_changed_below_the_checkpoint_is_found_once_the_ledger_is_read_anew(
    worker: WorkerState, players: list[str]
) -> None:
    follow(worker)
    change(worker, "UPDATE score_events SET points = points + 1 WHERE user_id = :user", user=players[0])
    assert drifts(worker) == []
    worker.verifier.checkpoint.reset()
    follow(worker)
    assert {drift.key.user_id for drift in drifts(worker)} == {players[0]}


def test_the_command_reads_everything_anew_when_it_is_told_to(
    command_line: CommandLine, worker: WorkerState, players: list[str]
) -> None:
    follow(worker)
    change(worker, "UPDATE score_events SET points = points + 1 WHERE user_id = :user", user=players[0])
    assert command_line("verify", "--patience", "0").returncode == 0
    assert command_line("verify", "--patience", "0", "--full").returncode == 1


def test_a_repair_does_not_believe_a_checkpoint_that_is_wrong(
    command_line: CommandLine, worker: WorkerState, players: list[str]
) -> None:
    before = worker.redis.zrange("leaderboard:scores", 0, -1, withscores=True)
    follow(worker)
    change(worker, "UPDATE ledger_totals SET score = score + 1000 WHERE user_id = :user", user=players[0])
    assert drifts(worker)
    assert command_line("verify", "--patience", "0", "--repair").returncode == 0
    assert worker.redis.zrange("leaderboard:scores", 0, -1, withscores=True) == before
    assert drifts(worker) == []


def test_no_row_is_taken_in_while_a_smaller_one_may_still_come(worker: WorkerState, players: list[str]) -> None:
    """A batch that has its ids and has not committed, behind one that has."""
    of = worker.verifier.checkpoint
    with worker.engine.begin() as slow:
        ledger.lock_shared(slow)
        ledger.reserve(slow, 1)
        accept(worker, players[0])
        drain_completely(worker)
        assert of.find_stable_id(patience=0.05) == 0
    assert of.find_stable_id() > 0


def test_a_batch_that_began_later_is_not_waited_for(
    worker: WorkerState, settings: Settings, players: list[str]
) -> None:
    """There is never an instant without a batch under way."""
    batches = database.create(settings, pool_size=2, statement_timeout_ms=10_000)
    with ThreadPoolExecutor(1) as pool, batches.connect() as first, batches.connect() as second:
        ledger.lock_shared(first)
        waiting = pool.submit(worker.verifier.checkpoint.find_stable_id, 10)
        with pytest.raises(TimeoutError):
            waiting.result(0.2)
        ledger.lock_shared(second)
        first.rollback()
        assert waiting.result(5) > 0
        second.rollback()
    batches.dispose()


def test_what_comes_while_the_checkpoint_moves_is_never_missed(
    worker: WorkerState, players: list[str], draining: None
) -> None:
    of = worker.verifier.checkpoint
    for number in range(60):
        accept(worker, players[number % len(players)], "share")
        of.advance(of.find_stable_id(), 7, 10_000)
    wait_until(lambda: worker.inbox.depth() == 0)
    follow(worker)
    assert [drift for drift in drifts(worker) if drift.where == "postgresql"] == []


def test_two_who_take_in_rows_at_once_count_each_once(worker: WorkerState, players: list[str]) -> None:
    of = worker.verifier.checkpoint
    with worker.engine.begin() as connection:
        connection.execute(checkpoint._CLAIM)
        with pytest.raises(TooSlowError):
            of.advance(of.find_stable_id(), 100, 50)
    follow(worker)
    assert drifts(worker) == []


def test_a_portion_that_takes_too_long_changes_nothing_and_is_halved(worker: WorkerState, players: list[str]) -> None:
    of = worker.verifier.checkpoint
    with worker.engine.begin() as connection:
        connection.execute(checkpoint._CLAIM)
        assert of.step(of.find_stable_id(), ChunkSize(800, least=400, most=800), 50) == (
            0,
            ChunkSize(400, least=400, most=800),
        )
        with pytest.raises(TooSlowError):
            of.step(of.find_stable_id(), ChunkSize(400, least=400, most=800), 50)


def test_a_job_that_comes_to_nothing_again_and_again_is_an_error(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "LONGEST_TAIL", 0)
    monkeypatch.setattr(verifying, "TIMEOUT_MS", 20)
    monkeypatch.setattr(verifying, "FOLLOW_SECONDS", 0.05)
    with worker.engine.begin() as connection:
        connection.execute(checkpoint._CLAIM)
        for _ in range(verifying.STALLED_AFTER_TURNS - 1):
            verifying.verify_some(worker)
        with pytest.raises(verifying.StalledError):
            verifying.verify_some(worker)
    verifying.verify_some(worker)
    assert verifying.Round.load(worker).barren == 0


def test_a_round_over_a_long_ledger_has_only_short_statements_and_finds_what_differs(worker: WorkerState) -> None:
    """Each player has a thousand rows and more, the first of them half of all."""
    ids = add_users(worker.engine, PLAYERS)
    halves = [ids[0] if number % 2 else user_id for number, user_id in enumerate(ids)]
    values = {"users": halves, "players": PLAYERS, "rows": ROWS}
    with worker.engine.begin() as connection:
        connection.execute(_LEDGER, values)
        connection.execute(_STANDINGS)
    for period in periods.open_at(datetime.now(UTC)):
        assert worker.rebuilder.rebuild("main", period.id)

    with timed(worker.engine) as taken:
        complete_round(worker)
        catch_up(worker)  # a step that takes too long on a busy machine is halved, and comes again with the next turn
    assert max(taken) < verifying.TIMEOUT_MS / 1000 + 0.5, "the server ends it, and then the client hears of it"
    assert verifying.Round.load(worker).last_found == 0

    change(worker, "UPDATE standings SET score = score + 1 WHERE user_id = :user AND period_id = 'all'", user=ids[0])
    with timed(worker.engine) as taken:
        complete_round(worker)
    assert verifying.Round.load(worker).last_found >= 1
    assert max(taken) < verifying.TIMEOUT_MS / 1000 + 0.5


def complete_round(worker: WorkerState) -> None:
    """Turns, as many as it takes until every player was checked once more."""
    worker.redis.delete(keys.VERIFICATION)
    before = rounds()
    deadline = time.monotonic() + 60
    while rounds() == before:
        assert time.monotonic() < deadline
        verifying.verify_some(worker)


def catch_up(worker: WorkerState) -> None:
    """Turns, as many as it takes until the checkpoint has the whole ledger."""
    deadline = time.monotonic() + 60
    while worker.verifier.checkpoint.lag():
        assert time.monotonic() < deadline
        verifying.verify_some(worker)


def rounds() -> float:
    (family,) = metrics.VERIFIED_ROUNDS.collect()
    return float(family.samples[0].value)
