"""A board as it was: counted from the ledger, it is what everybody saw then, under every rule, to the last update."""

import csv
import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from common.core.settings import Settings
from common.core.timestamps import format_instant
from common.domain import periods
from common.domain.boards import Board, Rule, SecondScore
from common.domain.entries import Entry
from common.domain.inbox_entries import Update
from common.domain.scoring import Action, ClaimedBy, Kind
from common.domain.seasons import Season
from common.domain.standing import BoardId
from common.postgres import catalogue, past_boards, standings, tables
from scoreboard.__main__ import commands
from tests.inbox import accept, add_users, drain_completely
from tests.integration.test_scoring_rules import add_boards
from tests.seasons import add_season
from workers.state import WorkerState

BOARDS = [
    Board("laps", rule=Rule.LOWEST, ascending=True, periods=("all", "weekly")),
    Board("scored", rule=Rule.HIGHEST, second=SecondScore(ascending=True), periods=("all",)),
    Board("rating", rule=Rule.LATEST, periods=("all",)),
    Board("games", rule=Rule.COUNT, periods=("all", "daily")),
]
VALUE = Action("value", 1, 0, ("laps", "scored", "rating", "games"), kind=Kind.VALUE, claimed_by=ClaimedBy.SERVER)

Command = Callable[..., Result]


@pytest.fixture
def catalogued(worker: WorkerState) -> WorkerState:
    with worker.engine.begin() as connection:
        add_boards(connection, BOARDS)
        catalogue.add(connection, VALUE, enabled=True)
    worker.catalogue._catalogue, worker.catalogue._read_at = None, float("-inf")
    return worker


@pytest.fixture
def command(settings: Settings, worker: WorkerState, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("DATABASE_URL", settings.database_url.replace("postgresql+psycopg2", "postgresql"))
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("SCOREBOARD_JWT_SECRET", "jwt-secret-of-the-tests-0123456789")
    monkeypatch.setenv("SCOREBOARD_SECRET_KEY", settings.secret_key.get_secret_value().decode())
    monkeypatch.setattr(past_boards, "SETTLED_AFTER", timedelta(0))

    def run(*arguments: str, code: int = 0) -> Result:
        done = CliRunner().invoke(commands, arguments, standalone_mode=False)
        assert getattr(done.exception, "exit_code", 0) == code, (arguments, done.output, done.exception)
        return done

    return run


def submit(worker: WorkerState, user_id: str, value: int, second: int) -> None:
    now = format_instant(worker.inbox.now())
    worker.inbox.accept(Update(user_id, "value", secrets.token_hex(8), now, "r", None, "sbk_x", value, second))
    drain_completely(worker)


def shown_now(worker: WorkerState, board: BoardId) -> list[Entry]:
    with worker.engine.connect() as connection:
        _, pages = standings.read_board(connection, *board, 3)
        return [entry for page in pages for entry in page]


def shown_at(worker: WorkerState, board: BoardId, instant: datetime) -> list[Entry]:
    with worker.engine.connect() as connection:
        past_boards.unbound(connection)
        _, pages = past_boards.read(connection, board[0], periods.parse(board[1]), instant, 3)
        return [entry for page in pages for entry in page]


def instant_of(worker: WorkerState) -> datetime:
    """An instant by the clock that stamps the ledger, which has passed."""
    passing = text("SELECT date_trunc('milliseconds', clock_timestamp())")
    with worker.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        instant: datetime = connection.execute(passing).scalar_one()
        while connection.execute(passing).scalar_one() <= instant:
            pass
    return instant


def boards_of_now(worker: WorkerState) -> list[BoardId]:
    now = worker.inbox.now()
    return [("main", "all"), *((board.id, each) for board in BOARDS for each in periods.ids_of(board.periods, now))]


def test_what_a_board_showed_at_any_instant_is_counted_from_the_ledger(catalogued: WorkerState) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    random = Random(seed)
    players, boards, seen = add_users(catalogued.engine, 4), boards_of_now(catalogued), []
    for _ in range(8):
        for _ in range(random.randint(1, 3)):
            submit(catalogued, random.choice(players), random.randint(1, 5), random.randint(0, 2))
            accept(catalogued, random.choice(players), random.choice(["share", "win-match"]))
        drain_completely(catalogued)
        seen.append((instant_of(catalogued), {board: shown_now(catalogued, board) for board in boards}))
    for instant, shown in seen:
        assert {board: shown_at(catalogued, board, instant) for board in boards} == shown
    assert all(shown_at(catalogued, board, seen[0][0] - timedelta(days=1)) == [] for board in boards)


def test_what_is_void_now_does_not_count_then_and_who_is_hidden_now_is_left_out(catalogued: WorkerState) -> None:
    players = add_users(catalogued.engine, 3)
    for player in players:
        accept(catalogued, player)
    accept(catalogued, players[0])
    drain_completely(catalogued)
    instant = instant_of(catalogued)
    with catalogued.engine.begin() as connection:
        newest = connection.scalar(text("SELECT max(id) FROM score_events"))
        void = {"event_id": newest, "actor": "a test", "reason": "counted twice", "amends": False}
        connection.execute(tables.voids.insert(), void)
        connection.execute(
            text("UPDATE standings SET hidden = true, hidden_for = 1 WHERE user_id = :user"), {"user": players[1]}
        )
    found = shown_at(catalogued, ("main", "all"), instant)
    assert [(entry.user_id, entry.score, entry.rank) for entry in found] == [(players[0], 25, 1), (players[2], 25, 2)]


def test_the_command_writes_a_board_as_it_is_and_as_it_was(
    catalogued: WorkerState, command: Command, tmp_path: Path
) -> None:
    players = add_users(catalogued.engine, 2)
    accept(catalogued, players[0])
    drain_completely(catalogued)
    instant = instant_of(catalogued)
    accept(catalogued, players[1], "win-tournament")
    drain_completely(catalogued)
    with catalogued.engine.begin() as connection:
        connection.execute(
            text("UPDATE users SET visibility = 'anonymous', display_name = '=1+1' WHERE id = :user"),
            {"user": players[0]},
        )
    now = list(csv.DictReader(command("export").stdout.splitlines()))
    assert [(row["userId"], row["displayName"]) for row in now] == [(players[1], ""), (players[0], "'=1+1")]
    file = tmp_path / "main.ndjson"
    file.write_text("of before")
    told = command("export", "--as-of", instant.isoformat(), "--format", "ndjson", "--out", str(file))
    assert f"main all as of {format_instant(instant)}: 1 rows" in told.stderr
    assert [json.loads(line)["userId"] for line in file.read_text().splitlines()] == [players[0]]
    assert [path.name for path in tmp_path.iterdir()] == ["main.ndjson"]
    assert file.stat().st_mode & 0o077 == 0
    public = json.loads(command("export", "--format", "json", "--public").stdout)
    assert [entry["username"] == "Anonymous" for entry in public["entries"]] == [False, True]


def test_the_period_of_a_name_is_that_of_the_instant(catalogued: WorkerState, command: Command) -> None:
    (player,) = add_users(catalogued.engine, 1)
    accept(catalogued, player)
    drain_completely(catalogued)
    yesterday = catalogued.inbox.now() - timedelta(days=1)
    found = json.loads(
        command("export", "--period", "daily", "--as-of", yesterday.isoformat(), "--format", "json").stdout
    )
    assert (found["period"], found["entries"]) == (yesterday.date().isoformat(), [])


def test_a_season_is_counted_from_the_ledger_as_any_period(catalogued: WorkerState, command: Command) -> None:
    (player,) = add_users(catalogued.engine, 1)
    now, day = catalogued.inbox.now(), timedelta(days=1)
    season = add_season(catalogued, Season("now", now - day, now + day))
    accept(catalogued, player)
    drain_completely(catalogued)
    instant = instant_of(catalogued)
    accept(catalogued, player)
    drain_completely(catalogued)
    for named in ("season", season.period_id):
        found = json.loads(
            command("export", "--period", named, "--as-of", instant.isoformat(), "--format", "json").stdout
        )
        assert found["period"] == "s-now"
        assert [(entry["userId"], entry["score"]) for entry in found["entries"]] == [(player, 25)]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--board", "nowhere"], "there is no board"),
        (["--board", "rating", "--period", "daily"], "has the period"),
        (["--period", "2026-13"], "there is no period"),
        (["--as-of", "yesterday"], "ISO 8601"),
        (["--as-of", "2100-01-01T00:00:00Z"], "ago"),
        (["--format", "xml"], "csv"),
    ],
)
@pytest.mark.usefixtures("catalogued")
def test_what_cannot_be_exported_is_refused_and_no_file_appears(
    command: Command, tmp_path: Path, arguments: list[str], says: str
) -> None:
    file = tmp_path / "out"
    refused = command("export", "--out", str(file), *arguments, code=2)
    assert says in str(refused.exception)
    assert list(tmp_path.iterdir()) == []


def test_an_instant_whose_updates_may_still_be_recorded_is_refused(
    command: Command, monkeypatch: pytest.MonkeyPatch, worker: WorkerState
) -> None:
    monkeypatch.setattr(past_boards, "SETTLED_AFTER", timedelta(seconds=5))
    refused = command("export", "--as-of", format_instant(worker.inbox.now()), code=2)
    assert "5 s ago" in str(refused.exception)
