import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.harness.waiting import wait_until
from dev.supervise.output import Output
from dev.supervise.programs import Program, Surroundings, of_procfile
from dev.supervise.supervised_process import EXIT_NOT_RESTARTED
from dev.supervise.supervisor import Supervisor
from tests.dev.dummy import is_alive

COUNT_STARTS = "sh -c 'echo $$ >> starts; sleep 1000'"


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    return Surroundings(os.environ, tmp_path)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    supervisor = Supervisor(Output())
    yield supervisor
    supervisor.stop()


def turn_until(supervisor: Supervisor, condition: Callable[[], bool]) -> None:
    def turned() -> bool:
        supervisor.turn(0.01)
        return condition()

    wait_until(turned)


def starts(folder: Path) -> list[int]:
    path = folder / "starts"
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_program_that_is_killed_is_started_again_at_once(
    supervisor: Supervisor, surroundings: Surroundings, tmp_path: Path
) -> None:
    supervisor.add(Program("web", COUNT_STARTS, surroundings))
    turn_until(supervisor, lambda: len(starts(tmp_path)) == 1)

    os.kill(starts(tmp_path)[0], signal.SIGKILL)

    turn_until(supervisor, lambda: len(starts(tmp_path)) == 2)


def test_a_program_that_ends_by_itself_is_started_again_and_the_deaths_are_told(
    supervisor: Supervisor, surroundings: Surroundings, capfd: pytest.CaptureFixture[str]
) -> None:
    life = supervisor.add(Program("beat", "false", surroundings))

    turn_until(supervisor, lambda: life.deaths == 2)

    assert capfd.readouterr().out.splitlines() == [
        "beat     | ended with code 1; starting it again",
        "beat     | ended with code 1; starting it again in 0.5 s",
    ]


def test_a_program_that_runs_once_is_not_started_again(supervisor: Supervisor, surroundings: Surroundings) -> None:
    life = supervisor.add(Program("migrate", "sh -c 'exit 3'", surroundings), once=True)

    turn_until(supervisor, lambda: life.deaths == 1)

    assert life.exit_code == 3
    assert not life.is_due()


def test_a_program_that_gives_up_is_not_started_again(
    supervisor: Supervisor, surroundings: Surroundings, capfd: pytest.CaptureFixture[str]
) -> None:
    life = supervisor.add(Program("demo", f"sh -c 'exit {EXIT_NOT_RESTARTED}'", surroundings))

    turn_until(supervisor, lambda: life.deaths == 1)

    assert not life.is_due()
    assert "demo     | ended with code 78; it is not started again" in capfd.readouterr().out


def test_every_line_is_shown_even_the_last_one_of_a_program_that_dies_in_it(
    supervisor: Supervisor, surroundings: Surroundings, capfd: pytest.CaptureFixture[str]
) -> None:
    life = supervisor.add(Program("web", "sh -c 'echo one; echo two; printf three'", surroundings), once=True)

    turn_until(supervisor, lambda: life.deaths == 1)

    assert capfd.readouterr().out.splitlines() == ["web      | one", "web      | two", "web      | three"]


def test_much_output_is_shown_whole(
    supervisor: Supervisor, surroundings: Surroundings, capfd: pytest.CaptureFixture[str]
) -> None:
    life = supervisor.add(Program("web", "seq 1 50000", surroundings), once=True)

    turn_until(supervisor, lambda: life.deaths == 1)

    assert capfd.readouterr().out.splitlines() == [f"web      | {number}" for number in range(1, 50_001)]


def test_a_terminal_or_pipe_that_nobody_reads_stops_neither_programs_nor_their_supervision(
    surroundings: Surroundings,
) -> None:
    reader, writer = os.pipe()
    supervisor = Supervisor(Output(writer))
    life = supervisor.add(Program("web", "seq 1 50000", surroundings))
    try:
        turn_until(supervisor, lambda: life.deaths == 2)
    finally:
        supervisor.stop()
        os.close(reader)
        os.close(writer)


def test_those_who_ask_are_stopped_before_those_who_answer(
    supervisor: Supervisor, surroundings: Surroundings, tmp_path: Path
) -> None:
    script = "sh -c 'trap \"echo {0} >> stops; exit\" TERM; echo $$ >> starts; while :; do sleep 0.01; done'"
    for name in ("worker", "web", "beat", "flower"):
        supervisor.add(Program(name, script.format(name), surroundings))
    turn_until(supervisor, lambda: len(starts(tmp_path)) == 4)

    supervisor.stop()

    stops = (tmp_path / "stops").read_text().split()
    assert sorted(stops[:3]) == ["beat", "flower", "web"]
    assert stops[3:] == ["worker"]
    assert not any(is_alive(pid) for pid in starts(tmp_path))


def test_a_program_that_will_not_stop_is_ended_by_force(
    supervisor: Supervisor, surroundings: Surroundings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dev.supervise.supervisor.STOPS_WITHIN_SECONDS", 0.2)
    supervisor.add(Program("web", "sh -c 'trap \"\" TERM; echo $$ >> starts; sleep 1000; sleep 1000'", surroundings))
    turn_until(supervisor, lambda: len(starts(tmp_path)) == 1)

    supervisor.stop()

    assert not is_alive(starts(tmp_path)[0])


def test_a_program_of_the_procfile_is_the_process_itself_and_no_shell_around_it(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    (tmp_path / "Procfile").write_text("web: sleep ${SECONDS_TO_SLEEP:-1000}\n# no process\nworker: sleep 999\n")
    surroundings = Surroundings({**os.environ, "SECONDS_TO_SLEEP": ""}, tmp_path)
    programs = of_procfile(tmp_path / "Procfile", lambda _: surroundings)
    for program in programs:
        supervisor.add(program)
    supervisor.turn(0)

    command = Path(f"/proc/{programs[0].process.pid}/cmdline")

    assert [program.name for program in programs] == ["web", "worker"]
    turn_until(supervisor, lambda: re.split("\0", command.read_text()) == ["sleep", "1000", ""])
