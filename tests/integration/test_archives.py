"""Archived days are read as before, whatever their tables look like, and whoever is hidden or renamed later."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from common.domain.details import Details
from common.domain.pagination import FIRST, Position, Selection, after, around, around_score, before
from common.domain.standing import BoardId, StandingKey
from common.postgres import archives, archiving, own_data, placements, score_places, stored_boards, unarchiving
from common.services import suspensions
from common.services.suspensions import Decision
from tests import archived_days
from tests.archived_days import KINDS, add_board, add_day, archive_all, rank_all, rows_of
from tests.inbox import add_users
from workers.state import WorkerState

DAY = "2026-01-05"
READ, ARCHIVED = "read", "archived"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few rows are many chunks."""
    monkeypatch.setattr(archives, "ROWS", 7)
    monkeypatch.setattr(archiving, "ROWS_AT_ONCE", 10)
    monkeypatch.setattr(archiving, "CHUNKS_AT_ONCE", 2)


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        yield connection


def selections(chance: random.Random, user_ids: Sequence[str]) -> Iterator[Selection]:
    yield FIRST
    for _ in range(4):
        position = Position(chance.randrange(-4, 5), chance.choice([0, 5_000, 50_000, 10**15 - 1]), chance.randrange(3))
        yield after(position)
        yield before(position)
    for user_id in chance.sample(user_ids, min(4, len(user_ids))):
        yield around(user_id)
    for score in (-4, 0, 3):
        yield around_score(score)


def told(connection: Connection, board: BoardId, user_ids: Sequence[str], seed: int) -> dict[str, Any]:
    """All that can be read of a board, but for versions and the board's own id."""
    chance = random.Random(seed)
    pages = []
    for which in selections(chance, user_ids):
        for limit in (1, 8, 100):
            read = score_places.page if which.kind == "around_score" else stored_boards.page
            page = read(connection, *board, limit, which)
            head = (page.rows.total, page.rows.entries)
            pages.append((which, limit, head, page.start, page.found, page.positions, page.would_rank))
    total, whole = stored_boards.read_board(connection, *board, 5)
    standings = stored_boards.read(connection, [StandingKey(*board, user_id) for user_id in user_ids])
    return {
        "pages": pages,
        "places": [stored_boards.place(connection, *board, user_id, Details("-")) for user_id in user_ids],
        "whole": (total, [entry for page in whole for entry in page]),
        "count": stored_boards.count(connection, *board),
        "first places": [stored_boards.first_places(connection, *board, within) for within in (1, 3, 50)],
        "placements": [shelf(connection, board[0], user_id) for user_id in user_ids],
        "standings": sorted((row.key.user_id, row.score, row.second, row.hidden) for row in standings),
        "own": [own(connection, board[0], user_id) for user_id in user_ids],
    }


def shelf(connection: Connection, board_id: str, user_id: str) -> list[tuple[object, ...]]:
    """All final places of a player on a board, two at a time."""
    found: list[placements.Placement] = []
    while page := placements.page(
        connection, user_id, [board_id], 2, placements._place_of(found[-1]) if found else None
    ):
        found += page
    return [placement[1:] for placement in found]


def own(connection: Connection, board_id: str, user_id: str) -> list[tuple[object, ...]]:
    rows = own_data.read(connection, user_id).standings
    return [row[1:] for row in rows if row.board_id == board_id]


def suspend(engine: Engine, user_id: str, *, suspended: bool) -> None:
    with engine.begin() as connection:
        suspensions.decide(connection, Decision(user_id, suspended, "nobody", "a test"))


def make_different(engine: Engine, chance: random.Random, user_ids: Sequence[str]) -> None:
    """Suspend some, let others back, and let some be seen in another way."""
    for user_id in chance.sample(user_ids, min(4, len(user_ids))):
        suspend(engine, user_id, suspended=chance.random() < 0.6)
    for user_id in chance.sample(user_ids, min(3, len(user_ids))):
        values = {"user": user_id, "visibility": chance.choice(["named", "anonymous", "unlisted"])}
        with engine.begin() as connection:
            connection.execute(
                text("UPDATE users SET visibility = :visibility, display_name = 'n' || random() WHERE id = :user"),
                values,
            )


@pytest.mark.parametrize("seed", range(4))
def test_an_archived_day_is_read_as_one_that_is_not(worker: WorkerState, seed: int) -> None:
    """Two boards have the same days, and the days of one are archived."""
    chance = random.Random(seed)
    everybody = add_users(worker.engine, 26)
    make_different(worker.engine, chance, everybody)
    add_board(worker.engine, READ, KINDS[seed])
    add_board(worker.engine, ARCHIVED, KINDS[seed])
    for day in (DAY, "2026-01-06", "2026-01-08"):
        players = chance.sample(everybody, chance.choice([0, 1, 7, 20, 25]))
        rows = archived_days.random_rows(chance, players, KINDS[seed])
        for board_id in (READ, ARCHIVED):
            add_day(worker.engine, (board_id, day), rows)
    rank_all(worker)
    assert archive_all(worker.engine, ARCHIVED)
    assert rows_of(worker.engine, (ARCHIVED, DAY)) == []
    for turn in range(2):
        with snapshot(worker.engine) as connection:
            assert stored_boards.is_archived(connection, ARCHIVED, DAY)
            archived = told(connection, (ARCHIVED, DAY), everybody, turn)
            assert archived == told(connection, (READ, DAY), everybody, turn)
        make_different(worker.engine, chance, everybody)

    unarchiving.restore(worker.engine, (ARCHIVED, DAY), lambda _connection, _rows: None, lambda _: None)
    again, kept = rows_of(worker.engine, (ARCHIVED, DAY)), rows_of(worker.engine, (READ, DAY))
    assert [but_version(row) for row in again] == [but_version(row) for row in kept]


def but_version(row: dict[str, Any]) -> dict[str, Any]:
    """Who is suspended or let back has a greater version wherever the row was meanwhile."""
    return {name: value for name, value in row.items() if name != "version"}
