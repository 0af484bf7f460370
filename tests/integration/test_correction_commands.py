"""Corrections by the command line: in slices, beside updates that come, and with a word about what was done."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from sqlalchemy import text

from scoreboard import corrections
from tests.command_line import CommandLine
from tests.inbox import accept, add_users, board_of, drain_completely
from tests.integration.test_corrections import event_of, no_drift
from workers.state import WorkerState

HOUR = timedelta(hours=1)


def span() -> list[str]:
    now = datetime.now(UTC)
    return ["--from", (now - HOUR).isoformat(), "--to", (now + HOUR).isoformat(), "--reason", "an exploit"]


@pytest.fixture
def players(worker: WorkerState) -> list[str]:
    """Each with 100 points of the action that will be voided, and 25 of another."""
    ids = add_users(worker.engine, 5)
    for player in ids:
        accept(worker, player, "win-tournament")
        accept(worker, player, "win-match")
    drain_completely(worker)
    return ids


def test_an_exploit_of_everybody_is_voided_in_slices_and_restored(
    command_line: CommandLine, worker: WorkerState, players: list[str]
) -> None:
    action = ["--action", "win-tournament", *span()]
    foreseen = command_line("events", "void", *action, "--dry-run")
    assert "5 updates of 5 players would count no more" in foreseen.stdout
    assert board_of(worker) == dict.fromkeys(players, 125)

    done = command_line("events", "void", *action)
    assert "5 updates of 5 players count no more" in done.stdout
    assert board_of(worker) == dict.fromkeys(players, 25)
    assert no_drift(worker)
    assert "0 updates of 0 players" in command_line("events", "void", *action).stdout
    amended = command_line("events", "void", *action, "--amend-closed")
    assert "5 updates of 5 players count no more" in amended.stdout, "in closed periods, too, from now on"

    of_one = command_line("events", "restore", "--player", players[0], *span())
    assert "1 updates of 1 players count again" in of_one.stdout
    assert board_of(worker)[players[0]] == 125
    assert "4 updates" in command_line("events", "restore", *action).stdout
    assert board_of(worker) == dict.fromkeys(players, 125)
    assert no_drift(worker)


def test_a_slice_has_no_more_updates_than_are_counted_again_in_time(worker: WorkerState, players: list[str]) -> None:
    with patch.object(corrections, "EVENTS_AT_ONCE", 4):
        slices = list(corrections._slices(worker.engine, players))
    assert [len(some) for some in slices] == [2, 2, 1]
    with patch.object(corrections, "EVENTS_AT_ONCE", 1):
        assert [len(some) for some in corrections._slices(worker.engine, players)] == [1] * 5


def test_single_updates_are_named_by_their_numbers(
    command_line: CommandLine, worker: WorkerState, players: list[str]
) -> None:
    event = str(event_of(worker, players[0], "win-match"))
    done = command_line("events", "void", event, "--reason", "a mistake")
    assert "1 updates of 1 players count no more" in done.stdout
    assert board_of(worker)[players[0]] == 100
    command_line("events", "restore", event, "--reason", "it was none")
    assert board_of(worker)[players[0]] == 125


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["999999", "--reason", "a try"], 1, "999999: There is no such event."),
        (["--reason", "a try"], 2, "name numbers of updates, or --from and --to"),
        (["1", "--action", "share", "--reason", "a try"], 2, "not both"),
        (["1", "--reason", "no"], 2, "at least 3"),
        (["1"], 2, "--reason"),
        (["--action", "share", "--from", "yesterday", "--to", "today", "--reason", "a try"], 2, "ISO 8601"),
        (["--action", "nothing", *span()], 1, "there is no action nothing"),
        (["--player", "nobody", *span()], 1, "there is no user nobody"),
    ],
    ids=["unknown", "nothing", "both", "short reason", "no reason", "words", "action", "player"],
)
def test_bad_input_is_told_in_a_line_and_changes_nothing(
    command_line: CommandLine, worker: WorkerState, words: list[str], code: int, said: str
) -> None:
    done = command_line("events", "void", *words)
    assert done.returncode == code
    assert said in done.stderr
    with worker.engine.connect() as connection:
        assert connection.execute(text("SELECT FROM voids")).all() == []


def test_players_are_taken_off_a_board_and_let_back(
    command_line: CommandLine, worker: WorkerState, players: list[str]
) -> None:
    why = ["--board", "main", "--reason", "two accounts"]
    command_line("players", "disqualify", players[0], *why)
    assert players[0] not in board_of(worker)
    command_line("players", "requalify", players[0], *why)
    assert board_of(worker)[players[0]] == 125
    unknown = command_line("players", "disqualify", players[0], "--board", "nothing", "--reason", "a try")
    assert "there is no board nothing" in unknown.stderr
