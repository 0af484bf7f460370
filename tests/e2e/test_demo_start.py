"""`scoreboard demo` as it comes: how soon the board lives, and on which service it plays."""

import os
import subprocess
import sys
from pathlib import Path

import requests

from common.core import run_env
from dev.harness.stack import ROOT, Stack
from dev.harness.waiting import wait_until
from dev.servers import locks


def board(stack: Stack) -> dict[str, int]:
    shown = requests.get(f"{stack.url}/api/scores/leaderboard?limit=100", timeout=10).json()
    return {entry["username"]: entry["score"] for entry in shown["entries"]}


def test_thirty_new_players_make_a_living_board_within_seconds(stack: Stack, tmp_path: Path) -> None:
    before = set(board(stack))
    command = [sys.executable, "-m", "scoreboard", "demo", "--url", stack.url]
    with subprocess.Popen([*command, "--password-file", str(tmp_path / "password")], stdout=subprocess.DEVNULL) as demo:
        try:
            wait_until(lambda: is_living({name: score for name, score in board(stack).items() if name not in before}))
        finally:
            demo.kill()


def is_living(scores: dict[str, int]) -> bool:
    """Some are there already, on the busiest machine too, and they are far from equal."""
    return len(scores) >= 6 and len(set(scores.values())) >= 5


def test_the_demo_plays_on_the_service_of_its_own_folder_and_on_no_other_that_nobody_names(
    stack: Stack, tmp_path: Path
) -> None:
    """A first clone's service listens at the usual port; a second clone has none."""
    environment = {**stack.environment, "SCOREBOARD_DATA_DIR": str(tmp_path / "second" / ".data")}
    command = [sys.executable, "-m", "scoreboard", "demo", "--players", "1"]

    def play() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )

    refused = play()
    run_env.write(tmp_path, {"SCOREBOARD_URL": stack.url})
    environment["SCOREBOARD_DATA_DIR"] = str(tmp_path)
    left_by_a_dead_run = play()
    lock = locks.hold(tmp_path / run_env.LOCK_FILE_NAME)
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as playing:
        assert playing.stdout
        first = playing.stdout.readline()
        playing.kill()
    os.close(lock)

    assert refused.returncode == left_by_a_dead_run.returncode == 2
    assert f"no `make run` is running in {tmp_path / 'second'}: start it, or say --url" in refused.stderr
    assert f"come to play on {stack.url}" in first
