"""What a batch costs in round trips, and that prepared statements are an economy and never a need."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError

from common.domain.inbox_entries import read_entry
from common.postgres import direct, ledger, prepared, standings
from common.redis_store.client import COMMAND_TIMEOUT_SECONDS, FailFastConnection
from tests.inbox import accept, add_users, board_of, drain_completely
from workers import batches, drain
from workers.held_updates import HeldError
from workers.state import WorkerState


@pytest.fixture
def players(worker: WorkerState) -> list[str]:
    return add_users(worker.engine, 5)


@contextmanager
def noted_statements(worker: WorkerState) -> Iterator[list[str]]:
    """Every text that is sent to PostgreSQL, in order."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:  # noqa: ANN401 - SQLAlchemy's event
        sent.append(statement)

    send = direct.send

    def note_and_send(connection: Connection, statement: str, *values: Any) -> Any:  # noqa: ANN401
        sent.append(statement)
        return send(connection, statement, *values)

    for engine in (worker.engine, worker.recording):
        event.listen(engine, "before_cursor_execute", note)
    with patch.object(direct, "send", note_and_send):
        yield sent
    for engine in (worker.engine, worker.recording):
        event.remove(engine, "before_cursor_execute", note)


def counted(worker: WorkerState) -> dict[str, int]:
    """Scores by player, in which PostgreSQL and Redis must agree."""
    with worker.engine.connect() as connection:
        head = standings.top(connection, "main", "all", 100)
    scores = {entry.user_id: entry.score for entry in head.entries}
    assert board_of(worker) == scores
    return scores


def apply_all(worker: WorkerState) -> None:
    worker.drain.batches.apply(worker.inbox.read("tests", 100))


def test_a_plain_batch_takes_three_round_trips_to_postgresql(worker: WorkerState, players: list[str]) -> None:
    for _ in range(2):  # the first one finds the periods unknown and the catalogue unread
        for player in players:
            accept(worker, player)
        with noted_statements(worker) as sent:
            apply_all(worker)
    kinds = [re.sub(r"\(.*|scoreboard_\w+", "", statement, flags=re.DOTALL).strip() for statement in sent]
    assert len(sent) == 3, sent
    assert kinds[0].startswith("BEGIN; ")
    assert kinds[1:] == ["EXECUTE", "EXECUTE"]
    assert sent[2].endswith("; COMMIT")


@pytest.mark.parametrize(("most_in_one_step", "scripts"), [(100, [1]), (4, [4, 1])])
def test_a_plain_batch_takes_one_script_of_redis_and_a_large_one_two_round_trips_with_five(
    worker: WorkerState,
    players: list[str],
    monkeypatch: pytest.MonkeyPatch,
    most_in_one_step: int,
    scripts: list[int],
) -> None:
    monkeypatch.setattr(batches, "MOST_ROWS_IN_ONE_STEP", most_in_one_step)
    sent: list[str] = []
    send = FailFastConnection.send_packed_command

    def noted(connection: FailFastConnection, command: Any, *rest: Any, **more: Any) -> None:  # noqa: ANN401
        sent.append(re.sub(rb"[^A-Z]+", b" ", b"".join(command)).decode())
        send(connection, command, *rest, **more)

    for player in players:
        accept(worker, player)
    apply_all(worker)  # loads the scripts
    for player in players:
        accept(worker, player)
    entries = worker.inbox.read("tests", 100)
    monkeypatch.setattr(FailFastConnection, "send_packed_command", noted)
    worker.drain.batches.apply(entries)
    assert [packet.count("EVALSHA") for packet in sent] == scripts, sent


def test_a_redis_that_has_forgotten_its_scripts_is_told_them_again(worker: WorkerState, players: list[str]) -> None:
    worker.redis.script_flush()
    accept(worker, players[0])
    apply_all(worker)
    assert counted(worker) == {players[0]: 25}
    assert worker.inbox.depth() == 0


def test_nothing_is_read_from_end_to_end_however_small_the_tables_were_when_plans_were_made(
    worker: WorkerState, players: list[str]
) -> None:
    accept(worker, players[0])
    drain_completely(worker)
    for player in players * 3:
        accept(worker, player)
    with worker.engine.begin() as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
        before = scans(connection)
    drain_completely(worker)
    worker.recording.dispose()  # a backend that ends reports what it has counted
    with worker.engine.connect() as connection:
        assert scans(connection) == before


def scans(connection: Any) -> dict[str, int]:  # noqa: ANN401
    connection.execute(text("SELECT pg_stat_clear_snapshot()"))
    rows = connection.execute(
        text("""SELECT relname, seq_scan FROM pg_stat_user_tables
                WHERE relname IN ('users', 'score_events', 'standings', 'periods')""")
    )
    return {row.relname: row.seq_scan for row in rows}


@pytest.mark.parametrize("meddling", ["DEALLOCATE ALL", "takes the names"])
def test_where_a_pooler_keeps_prepared_statements_apart_plain_text_is_sent_and_all_counts_once(
    worker: WorkerState, players: list[str], meddling: str
) -> None:
    """As behind PgBouncer: what was prepared is gone, or somebody else has prepared it on this connection."""
    accept(worker, players[0])
    drain_completely(worker)
    with worker.recording.connect() as connection:
        if meddling == "DEALLOCATE ALL":
            connection.exec_driver_sql("DEALLOCATE ALL")
        else:
            connection.info.clear()
    for player in players:
        accept(worker, player)
    drain_completely(worker)
    accept(worker, players[1])
    with noted_statements(worker) as sent:
        apply_all(worker)
    assert len(sent) == 3
    assert not any("EXECUTE" in statement for statement in sent)
    assert counted(worker) == {player: 50 if player in players[:2] else 25 for player in players}


def test_a_statement_that_could_not_be_prepared_is_prepared_when_that_can_be_done(
    worker: WorkerState, players: list[str]
) -> None:
    accept(worker, players[0])
    with worker.engine.begin() as connection:
        connection.execute(text("ALTER TABLE score_events RENAME TO taken_away"))
    with pytest.raises(HeldError):
        worker.drain.batches.apply(worker.inbox.read("tests", 10))
    with worker.engine.begin() as connection:
        connection.execute(text("ALTER TABLE taken_away RENAME TO score_events"))

    drain_completely(worker)
    accept(worker, players[0])
    with noted_statements(worker) as sent:
        apply_all(worker)

    assert len(sent) == 3
    assert sum("EXECUTE" in statement for statement in sent) == 3
    assert counted(worker) == {players[0]: 50}


def test_a_statement_that_was_prepared_and_then_failed_stays_prepared(worker: WorkerState) -> None:
    divide = prepared.Statement("SELECT 6 / %(by)s", {"by": "int"})
    with worker.recording.connect() as connection, noted_statements(worker) as sent:
        with pytest.raises(DBAPIError):
            prepared.run(connection, divide, {"by": 0})
        assert [prepared.run(connection, divide, {"by": by}) for by in (1, 2)] == [[(6,)], [(3,)]]
    assert [statement.count("PREPARE") for statement in sent if "EXECUTE" in statement] == [1, 0, 0]


def test_a_migration_below_a_prepared_statement_holds_up_no_update(worker: WorkerState, players: list[str]) -> None:
    accept(worker, players[0])
    drain_completely(worker)
    with worker.engine.begin() as connection:
        connection.execute(text("ALTER TABLE standings ALTER COLUMN board_id TYPE varchar(64)"))
    accept(worker, players[0])
    drain_completely(worker)
    assert counted(worker) == {players[0]: 50}


def test_a_connection_that_was_cut_off_between_two_batches_is_replaced_unnoticed(
    worker: WorkerState, players: list[str]
) -> None:
    accept(worker, players[0])
    drain_completely(worker)
    with worker.engine.begin() as connection:
        ended = connection.scalar(
            text("""SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()""")
        )
    assert ended
    accept(worker, players[0])
    worker.drain.run()
    assert counted(worker) == {players[0]: 50}


def test_a_batch_that_fails_in_the_middle_leaves_no_transaction_open(
    worker: WorkerState, players: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(worker, players[0])
    with monkeypatch.context() as mistaken:
        mistaken.setattr(ledger, "add_and_commit", lambda *_: 1 / 0)
        worker.drain.batches.apply(worker.inbox.read("tests", 10))
    with worker.engine.connect() as connection:
        idle = connection.scalar(
            text("""SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                    AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()""")
        )
    assert idle == 0
    assert counted(worker) == {}


@pytest.mark.parametrize("key", ['with "quotes"', "with \\ and , and {}", "NULL", "100% of it", "%(keys)s"])
def test_a_key_that_means_something_in_an_array_is_recorded_as_it_is(
    worker: WorkerState, players: list[str], key: str
) -> None:
    accept(worker, players[0], key=key)
    drain_completely(worker)
    with worker.engine.connect() as connection:
        assert ledger.find(connection, [(players[0], key)])[players[0], key].points == 25
        assert connection.scalar(text("SELECT count(*) FROM score_events")) == 1


def test_a_key_that_no_text_of_postgresql_can_hold_is_quarantined_in_the_end(
    worker: WorkerState, players: list[str]
) -> None:
    accept(worker, players[0], key="with \0 in it")
    accept(worker, players[1])
    applied = worker.drain.batches.apply(worker.inbox.read("tests", 10))
    assert list(applied.failed.values()) == [1]
    assert not applied.kept
    assert counted(worker) == {players[1]: 25}


def test_a_drain_hurries_where_somebody_waits_for_an_outcome() -> None:
    fields = {"accepted_at": "1772600767890"}
    user_id, waits = str(uuid.uuid4()), {"reply_to": "a-process"}
    update = {"user_id": user_id, "action_id": "share", "idempotency_key": "a-key-of-ours", "occurred_at": "now"}
    plain, waited_for = (
        read_entry("1-0", {**fields, "update": orjson.dumps({**update, "request_id": "r", **more}).decode()}, 1)
        for more in ({}, waits)
    )
    crowd = [plain] * (drain.CROWD_FROM - 1)
    assert drain._pace([*crowd, waited_for]) == drain.PACE_WHILE_WAITED_FOR_SECONDS
    assert drain._pace([*crowd[1:], waited_for]) == 0, "a few who wait have their outcomes as they come"
    assert drain._pace(crowd) == drain.PACE_SECONDS
    assert drain._pace([plain]) == 0


def test_a_drain_waits_for_more_within_half_of_the_time_that_a_command_may_take() -> None:
    assert drain.WAIT_FOR_MORE_MS <= COMMAND_TIMEOUT_SECONDS * 1000 / 2
