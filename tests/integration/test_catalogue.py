"""The catalogue that each process keeps: never old where it can be new, and there while PostgreSQL is away."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import SQLAlchemyError

from common.core import deadlines
from common.domain.scoring import Action
from common.postgres import catalogue, tables
from common.postgres.catalogue import FRESH_SECONDS, CatalogueCache
from workers.state import WorkerState

CALLERS = 20


def test_whoever_asks_when_its_time_is_over_gets_the_new_one_however_many_ask(worker: WorkerState) -> None:
    kept = CatalogueCache(worker.engine)
    assert "chest" not in kept.current().actions
    with worker.engine.begin() as connection:
        catalogue.add(connection, Action("chest", 1, 10, ("main",)), enabled=True)
    kept._read_at -= FRESH_SECONDS

    with ThreadPoolExecutor(CALLERS) as pool:
        found = list(pool.map(lambda _: kept.current(), range(CALLERS)))

    assert all("chest" in each.actions for each in found)


def test_while_postgresql_is_away_the_last_one_holds_and_is_not_asked_for_again_at_once(worker: WorkerState) -> None:
    kept = CatalogueCache(worker.engine)
    known = kept.current()
    kept._engine = create_engine("postgresql+psycopg2://127.0.0.1:1/none")
    kept._read_at -= FRESH_SECONDS

    assert kept.current() is known
    assert time.monotonic() - kept._read_at < FRESH_SECONDS / 2


def test_while_its_version_is_the_same_the_catalogue_is_not_read_again(
    worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = CatalogueCache(worker.engine)
    known = kept.current()
    kept._read_at -= FRESH_SECONDS
    assert kept.current() is known
    with worker.engine.begin() as connection:  # as the release before does: without a new version
        connection.execute(tables.boards.update().values(title="All"))
    kept._read_at -= FRESH_SECONDS
    assert kept.current() is known
    kept._read_at -= FRESH_SECONDS
    kept._read_whole_at -= catalogue.READ_WHOLE_SECONDS
    assert kept.current().boards["main"].title == "All"


def test_no_action_is_known_before_its_board(worker: WorkerState, monkeypatch: pytest.MonkeyPatch) -> None:
    list_all = catalogue.list_all

    def list_all_after_both_were_made(connection: Connection) -> list[tuple[Action, bool]]:
        with worker.engine.begin() as another:
            another.execute(tables.boards.insert(), {"id": "laps"})
            catalogue.add(another, Action("lap", 1, 10, ("laps",)), enabled=True)
        return list_all(connection)

    monkeypatch.setattr(catalogue, "list_all", list_all_after_both_were_made)
    known = CatalogueCache(worker.engine).current()
    assert {board for action in known.actions.values() for board in action.boards} <= known.boards.keys()


@pytest.mark.parametrize("is_away", [True, False])
def test_whoever_waited_for_an_attempt_in_vain_waits_for_nothing_else(worker: WorkerState, is_away: bool) -> None:
    kept = CatalogueCache(worker.engine)
    kept.current()
    if is_away:
        kept._engine = create_engine("postgresql+psycopg2://127.0.0.1:1/none")
    kept._read_at -= FRESH_SECONDS
    begun, may_read = threading.Event(), threading.Event()
    read = kept._read

    def read_slowly() -> None:
        begun.set()
        assert may_read.wait(10)
        read()

    kept._read = read_slowly  # type: ignore[method-assign]

    def ask() -> bool:
        deadlines.begin()
        kept.current()
        return deadlines.has_timed_out("postgresql")

    with ThreadPoolExecutor(2) as pool:
        attempt = pool.submit(ask)
        assert begun.wait(10)
        waiting = pool.submit(ask)
        may_read.set()
        assert attempt.result(10) is False, "the one that asked is told by the connection, of which there was none"
        assert waiting.result(10) is is_away


def test_without_any_it_is_an_error_for_which_a_crowd_waits_once() -> None:
    kept = CatalogueCache(create_engine("postgresql+psycopg2://127.0.0.1:1/none"))
    attempts = 0
    read = kept._read

    def counted() -> None:
        nonlocal attempts
        attempts += 1
        read()

    kept._read = counted  # type: ignore[method-assign]

    def ask(_: int) -> bool:
        with pytest.raises(SQLAlchemyError):
            kept.current()
        return True

    with ThreadPoolExecutor(CALLERS) as pool:
        assert all(pool.map(ask, range(CALLERS)))
    assert attempts == 1
