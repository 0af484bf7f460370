import errno
import os
from pathlib import Path

import pytest

from common.core import log_lines, secret_files
from dev.supervise import readable
from dev.supervise.log_file import LogFile
from dev.supervise.output import Output


def test_a_line_stands_behind_its_name_without_colour_when_nobody_watches(capfd: pytest.CaptureFixture[str]) -> None:
    output = Output()

    output.line("web", "listening")
    output.step("ready")

    assert capfd.readouterr().out == "web      | listening\nrun      | ready\n"


def test_facts_are_aligned_and_set_apart(capfd: pytest.CaptureFixture[str]) -> None:
    Output().banner([("Scoreboard", "http://127.0.0.1:8000"), ("Stop", "Ctrl-C")])

    lines = capfd.readouterr().out.splitlines()
    assert lines[2:4] == ["  Scoreboard   http://127.0.0.1:8000", "  Stop         Ctrl-C"]
    assert set(lines[1]) == set(lines[4]) == {"─"}


INFO = "2026-11-26T20:00:00.000000Z [info     ] request                        [web.guards.access] status=200"
WARNING = "2026-11-26T20:00:00.000000Z [warning  ] task_postponed                 [workers.tasks] attempt=1"


def test_where_only_warnings_are_wanted_events_without_weight_are_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    output = Output(only_warnings=True)
    flower_info, flower_warning = "[I 261126 20:33:46 command:177] Visit me", "[W 261126 20:33:48 inspector:98] failed"
    json_info, json_error = '{"event": "a", "level": "info"}', '{"event": "b", "level": "error"}'

    for text in (INFO, WARNING, json_info, json_error, flower_info, flower_warning, "web cannot start: no settings"):
        output.program_output("web", f"{text}\n".encode())
    output.line("web", "ended with code 1")

    shown = [line.removeprefix("web      | ") for line in capfd.readouterr().out.splitlines()]
    assert shown == [
        WARNING,
        readable.line_of(json_error),
        flower_warning,
        "web cannot start: no settings",
        "ended with code 1",
    ]


def test_a_traceback_is_shown_or_left_out_with_the_line_that_it_belongs_to(capfd: pytest.CaptureFixture[str]) -> None:
    output = Output(only_warnings=True)

    for text in (
        INFO,
        "  continued",
        "Traceback (most recent call last):",
        '  File "x.py"',
        "ValueError",
        INFO,
        " more",
    ):
        output.program_output("worker", f"{text}\n".encode())

    shown = [line.removeprefix("worker   | ") for line in capfd.readouterr().out.splitlines()]
    assert shown == ["Traceback (most recent call last):", '  File "x.py"', "ValueError"]


def test_the_log_file_has_what_is_shown_and_what_is_not(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    output = Output(only_warnings=True)
    output.keep(tmp_path / "run.log")

    output.step("starting web")
    output.program_output("web", f"{INFO}\n".encode())
    output.close()

    assert (tmp_path / "run.log").read_text() == f"run      | starting web\nweb      | {INFO}\n"
    assert INFO not in capfd.readouterr().out


def test_the_log_file_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dev.supervise.output._LARGEST_LOG", 1_000)
    output = Output(only_warnings=True)
    output.keep(tmp_path / "run.log")

    for _ in range(100):
        output.program_output("web", f"{INFO}\n".encode())
    output.close()

    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {"run.log", "run.log.1"}
    assert max(sizes.values()) <= 1_000


@pytest.mark.parametrize("obstacle", ["the earlier file cannot be replaced", "no new file can be opened"])
def test_where_the_log_file_cannot_be_begun_anew_it_grows_and_says_so_and_is_begun_anew_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obstacle: str
) -> None:
    log = LogFile(tmp_path / "run.log", 1_000)
    log.write(b"a" * 999 + b"\n")
    with monkeypatch.context() as hindered:
        if obstacle == "no new file can be opened":
            hindered.setattr(secret_files, "private_opener", no_file_left)
        else:
            (tmp_path / "run.log.1").mkdir()
        log.write(b"while it cannot be\n")
        log.write(b"again\n")
    if obstacle == "no new file can be opened":
        assert not (tmp_path / "run.log").exists()
    else:
        (tmp_path / "run.log.1").rmdir()

    log.write(b"b" * 99 + b"\n")
    log.close()

    first, note, *others = (tmp_path / "run.log.1").read_text().splitlines()
    assert first == "a" * 999
    assert "run.log cannot be begun anew" in note
    assert others == ["while it cannot be", "again"]
    assert (tmp_path / "run.log").read_text() == "b" * 99 + "\n"


def test_a_log_file_that_somebody_took_away_is_begun_anew_all_the_same(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "run.log", 100)
    log.write(b"a" * 100)
    (tmp_path / "run.log").unlink()
    log.write(b"afterwards\n")
    log.close()
    assert (tmp_path / "run.log").read_text() == "afterwards\n"


def no_file_left(*_: object) -> int:
    raise OSError(errno.EMFILE, "no file left")


def test_what_nobody_reads_is_left_out_and_told_and_is_in_the_log_file_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dev.supervise.output._MOST_WAITING_LINES", 100)
    reader, writer = os.pipe()
    output = Output(writer)
    output.keep(tmp_path / "run.log")

    for number in range(100):
        output.program_output("web", b"".join(b"%d\n" % line for line in range(number * 1_000, number * 1_000 + 1_000)))

    told = read_until(reader, b"read them\n").splitlines()
    output.close()
    *shown, notice = [line.partition(b" | ") for line in told]
    assert [line for _, _, line in shown] == [b"%d" % number for number in range(len(shown))]
    assert (notice[0].strip(), notice[2].split()[0]) == (b"run", b"%d" % (100_000 - len(shown)))
    assert len((tmp_path / "run.log").read_bytes().splitlines()) == 100_000
    os.close(writer)
    os.close(reader)


def read_until(reader: int, end: bytes) -> bytes:
    read = b""
    while not read.endswith(end):
        read += os.read(reader, 65536)
    return read


LINES = b"""{"event":"a","level":"info","text":"\\"level\\":\\"error\\""}
{"event":"b","level":"error","logger":"x"}
plain
"""


def test_a_piece_of_output_is_passed_on_unchanged_when_nobody_watches(capfd: pytest.CaptureFixture[str]) -> None:
    Output().program_output("web", LINES)

    assert capfd.readouterr().out == "".join(f"web      | {line}\n" for line in LINES.decode().splitlines())


def test_somebody_who_watches_a_terminal_sees_readable_lines(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.isatty", lambda _: True)
    Output().program_output("web", LINES)

    first, second, third = capfd.readouterr().out.splitlines()
    assert "[info     ] a " in first
    assert "error" in second
    assert "{" not in first + second
    assert third.endswith("plain")


EVENTS: list[dict[str, object]] = [
    {"event": "request", "level": "info", "status": 200, "route": "/api/<x>", "text": "two words", "none": None},
    {"event": "failed", "level": "error", "text": "quoted \"'", "empty": "", "exception": "Traceback:\n  one\nE: two"},
    {"event": "listed", "level": "warning", "items": [1, "a"], "keys": {"a": 1}, "word": "漢", "slash": "a\\b"},
]


@pytest.mark.parametrize("event", EVENTS)
def test_a_json_line_is_shown_as_the_readable_format_would_have_written_it(event: dict[str, object]) -> None:
    event = {**event, "logger": "web.x", "timestamp": "2026-11-26T20:00:00.000000Z"}
    written = log_lines.as_text(colours=False)(dict(event)).decode()

    assert readable.line_of(log_lines.as_json(event).decode().rstrip("\n")) + "\n" == written


@pytest.mark.parametrize("line", ["{", "{}", "[1]", "plain", "", '{"level": "info"}', "{'event': 1}"])
def test_a_line_that_is_none_of_ours_is_shown_as_it_is(line: str) -> None:
    assert readable.line_of(line) == line


def test_what_a_program_hides_in_its_json_steers_no_terminal() -> None:
    shown = readable.line_of(
        r'{"event":"a\u001b[2J","level":"in\u0007fo","\u202ek":"\u001b]0;x","exception":"E\n\u001b[2J"}'
    )
    assert all(char.isprintable() or char == "\n" for char in shown)
