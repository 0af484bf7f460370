import pytest

from dev.supervise.output import Output


def test_a_line_stands_behind_its_name_without_colour_when_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()

    output.line("web", "listening")
    output.step("ready")

    assert capsys.readouterr().out == "web      | listening\nrun      | ready\n"


def test_facts_are_aligned_and_set_apart(capsys: pytest.CaptureFixture[str]) -> None:
    Output().block([("Scoreboard", "http://127.0.0.1:8000"), ("Stop", "Ctrl-C")])

    lines = capsys.readouterr().out.splitlines()
    assert lines[2:4] == ["  Scoreboard   http://127.0.0.1:8000", "  Stop         Ctrl-C"]
    assert set(lines[1]) == set(lines[4]) == {"─"}
