"""Boards and actions on the command line: by file and one by one, all of it or nothing."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from common.core.settings import Settings
from common.core.timestamps import format_instant
from common.postgres import audit
from scoreboard.__main__ import commands
from workers.state import WorkerState

FILE = """
version = 1
[[boards]]
id = "lap-monza"
title = "Monza, best lap"
rule = "lowest"
periods = ["all", "weekly"]
format = { kind = "duration", unit = "ms" }
[[actions]]
id = "lap-monza"
value = { min = 20_000, max = 600_000 }
boards = ["lap-monza"]
"""

Command = Callable[..., Result]


@pytest.fixture
def command(settings: Settings, worker: WorkerState, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command in this process; `main` makes the exit code of what a command returns."""
    monkeypatch.setenv("DATABASE_URL", settings.database_url.replace("postgresql+psycopg2", "postgresql"))
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("SCOREBOARD_JWT_SECRET", "jwt-secret-of-the-tests-0123456789")
    monkeypatch.setenv("SCOREBOARD_SECRET_KEY", settings.secret_key.get_secret_value().decode())

    def run(*arguments: str, code: int = 0) -> Result:
        done = CliRunner().invoke(commands, arguments, standalone_mode=False)
        found = done.return_value if isinstance(done.return_value, int) else getattr(done.exception, "exit_code", 0)
        assert found == code, (arguments, done.output, done.exception)
        return done

    return run


def version(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT version FROM catalogue_version")).scalar_one())


def test_a_file_is_applied_once_and_changes_nothing_the_second_time(
    worker: WorkerState, command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text(FILE)
    before = version(worker.engine)
    assert "lap-monza" in command("apply", str(file), "--dry-run", code=3).stdout
    assert version(worker.engine) == before
    told = json.loads(command("apply", str(file), "--json").stdout)
    assert told["applied"]
    assert [change["path"] for change in told["changes"]] == ["boards.lap-monza", "actions.lap-monza"]
    assert "boards.main" in told["notInFile"]
    assert version(worker.engine) == before + 1
    assert "nothing to do" in command("apply", str(file)).stdout
    assert json.loads(command("apply", str(file), "--json", "--dry-run").stdout)["changes"] == []
    assert version(worker.engine) == before + 1
    with worker.engine.connect() as connection:
        assert [row.action for row in audit.latest(connection, 5)] == ["apply_catalogue"]
    catalogue = worker.catalogue.including(["lap-monza"])
    assert catalogue.boards["lap-monza"].periods == ("all", "weekly")
    assert catalogue.actions["lap-monza"].value_min == 20_000


def test_the_exported_catalogue_is_a_file_that_changes_nothing(command: Command, tmp_path: Path) -> None:
    file, exported = tmp_path / "catalogue.toml", tmp_path / "exported.toml"
    file.write_text(FILE)
    command("apply", str(file))
    command("boards", "close", "lap-monza")
    command("catalogue", "export", "--out", str(exported))
    assert command("catalogue", "export").stdout == exported.read_text()
    assert json.loads(command("apply", str(exported), "--json").stdout) == {
        "changes": [], "notInFile": [], "applied": True
    }  # fmt: skip


def test_of_a_file_with_one_problem_nothing_is_applied(worker: WorkerState, command: Command, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text(FILE + '[[boards]]\nid = "Bad Name"\n[[actions]]\nid = "x"\npoints = 1\nboards = ["nowhere"]\n')
    before = version(worker.engine)
    refused = command("apply", str(file), code=1)
    assert "boards[1].id: must be" in str(refused.exception)
    assert "actions[1].boards[0]: there is no board 'nowhere'" in str(refused.exception)
    told = json.loads(command("apply", str(file), "--json", code=1).stdout)
    assert [problem["path"] for problem in told["problems"]] == ["boards[1].id", "actions[1].boards[0]"]
    assert version(worker.engine) == before
    assert worker.catalogue.including(["x"]).boards.keys() == {"main"}
    file.write_text("version = 1\n[[boards\n")
    assert "line 2" in str(command("apply", str(file), code=1).exception)
    command("apply", str(tmp_path / "nothing.toml"), code=2)


def test_the_catalogue_of_the_settings_is_applied_by_migrate_and_stops_it_if_it_is_refused(
    command: Command, worker: WorkerState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text(FILE)
    monkeypatch.setenv("SCOREBOARD_CATALOGUE", str(file))
    assert f"{file}: 2 changes" in command("migrate").stdout
    assert f"{file}: nothing to do" in command("migrate").stdout
    file.write_text(FILE.replace('"lowest"', '"highest"'))
    refused = command("migrate", code=1)
    assert "boards[0].rule: never changes; it is lowest" in str(refused.exception)


def test_a_board_is_made_changed_and_archived(command: Command, worker: WorkerState) -> None:
    made = command("boards", "create", "lap-spa", "--rule", "lowest", "--period", "all", "--format", "duration:ms")
    assert "made" in made.stdout
    assert "1 standings" in made.stdout
    assert "changed" in command("boards", "set", "lap-spa", "--title", "Spa").stdout
    assert "nothing to do" in command("boards", "set", "lap-spa", "--title", "Spa").stdout
    board = json.loads(command("boards", "show", "lap-spa").stdout)
    assert (board["title"], board["rule"], board["order"], board["revision"]) == ("Spa", "lowest", "ascending", 2)
    assert board["format"] == {"kind": "duration", "unit": "ms"}
    assert board["current"] == [{"period": "all", "endsAt": None}]
    command("boards", "create", "lap-spa", code=1)
    command("boards", "set", "nowhere", "--title", "x", code=1)
    command("boards", "create", "Bad Name", code=1)
    command("boards", "set", "lap-spa", "--format", "decimal", code=2)
    assert "archived" in command("boards", "archive", "lap-spa").stdout
    command("boards", "archive", "lap-spa")
    command("boards", "archive", "main", code=1)
    command("boards", "close", "lap-spa", code=1)
    listed = json.loads(command("boards", "list", "--json").stdout)
    assert {board["boardId"]: board["state"] for board in listed} == {"main": "open", "lap-spa": "archived"}
    assert "lap-spa" in command("boards", "list").stdout


def test_an_action_of_values_is_made_on_a_board_of_its_own(command: Command, worker: WorkerState) -> None:
    command("boards", "create", "laps", "--rule", "lowest")
    command("actions", "set", "lap", "--board", "laps", "--value-min", "1000", "--value-max", "9000")
    done = command("actions", "set", "lap", "--value-max", "8000", "--lifetime-limit", "3")
    told = json.loads(done.stdout.splitlines()[0])
    assert told["value"] == {"min": 1000, "max": 8000}
    assert (told["kind"], told["claimedBy"], told["boards"], told["lifetimeLimit"]) == ("value", "server", ["laps"], 3)
    assert told["version"] == 2
    assert "4 standings" in done.stderr
    command("actions", "set", "lap", "--board", "nowhere", code=2)
    command("actions", "set", "lap", "--claimed-by", "player", code=2)
    command("actions", "set", "adjust-laps", "--points", "1", code=2)
    command("actions", "set", "new", code=2)
    assert "lap" in command("actions", "list").stdout


def test_no_more_boards_are_made_than_the_settings_allow(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOREBOARD_MAX_BOARDS", "2")
    command("boards", "create", "one")
    assert "there may be 2 boards" in str(command("boards", "create", "two", code=1).exception)


def test_seasons_by_file_and_by_command(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text(
        f'version = 1\n[[seasons]]\nboard = "main"\nid = "winter"\nstarts_at = {_in_days(1)}\nends_at = {_in_days(2)}\n'
        '[[achievements]]\nid = "veteran"\ntitle = "Veteran"\nrepeat = "period"\nperiod = "season"\n'
        'count = { actions = ["win-match"], goal = 9, board = "main" }\n'
    )
    told = json.loads(command("apply", str(file), "--json").stdout)
    assert [change["path"] for change in told["changes"]] == [
        *("seasons.main.winter", "boards.main.periods", "achievements.veteran")
    ]
    made = command(
        "achievements", "set", "scout", "--title", "Scout", "--goal", "2", "--repeat", "season", "--board", "main"
    )
    assert json.loads(made.stdout)["granted"] == {"goal": 2, "board": "main"}
    command("achievements", "set", "other", "--title", "-", "--goal", "2", "--repeat", "season", code=2)
    assert command("seasons", "add", "main", "next", "--from", _in_days(2), "--to", _in_days(3)).stdout
    refused = command("seasons", "add", "main", "third", "--from", _in_days(2), "--to", _in_days(3), code=1)
    assert "begins before" in str(refused.exception)
    command("seasons", "end", "main", "next", "--at", _in_days(4))
    listed = json.loads(command("seasons", "list", "--json").stdout)
    assert [(each["seasonId"], each["state"]) for each in listed] == [("winter", "planned"), ("next", "planned")]
    exported = tmp_path / "exported.toml"
    command("catalogue", "export", "--out", str(exported))
    assert json.loads(command("apply", str(exported), "--json").stdout)["changes"] == []
    assert [command("seasons", "delete", "main", "next").stdout for _ in range(2)] == [
        *("main next: deleted\n", "main next: nothing to do\n")
    ]


def _in_days(days: int) -> str:
    return format_instant(datetime.now(UTC).replace(microsecond=0) + timedelta(days=days))
