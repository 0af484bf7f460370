"""A log line tells what went wrong, and nothing that must stay secret."""

import json
import logging
import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from common.core import logging as our_logging
from common.core import settings
from common.core.log_lines import Stamp
from common.core.printable import escaped

SECRET = "a-password-that-no-line-may-show"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    before = structlog.get_config()
    yield
    structlog.configure(**before)
    structlog.contextvars.clear_contextvars()
    root.handlers = handlers
    root.setLevel(level)


def fail_with(password: str) -> None:
    assert password
    raise RuntimeError("the reason")


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_an_exception_is_logged_with_its_place_but_without_the_values_of_variables(
    capfd: pytest.CaptureFixture[str], log_format: str
) -> None:
    configured(log_format)
    try:
        fail_with(SECRET)
    except RuntimeError as error:
        structlog.stdlib.get_logger("test").error("it_failed", exc_info=error)
    our_logging.flush()
    shown = capfd.readouterr().out
    assert "it_failed" in shown
    assert "fail_with" in shown
    assert "the reason" in shown
    assert SECRET not in shown


ESCAPE, TURN = "\x1b]0;gone\x07\x1b[2J", "\u202egnp.exe\u2066"
FORGED = "\n2026-11-26T20:00:00Z [info     ] logged_in user_id=root"


def fail_saying(text: str) -> None:
    raise RuntimeError(text)


def configured(log_format: str) -> None:
    environment = {
        "DATABASE_URL": "postgresql://localhost:1/none",
        "REDIS_URL": "redis://localhost:1/0",
        "SCOREBOARD_JWT_SECRET": "jwt-secret-of-the-tests-0123456789",
        "SCOREBOARD_SECRET_KEY": "secret-key-of-the-tests-0123456789",
        "SCOREBOARD_LOG_FORMAT": log_format,
    }
    our_logging.configure(settings.load(environment), "web")


def is_harmless(shown: str) -> bool:
    return all(char.isprintable() or char == "\n" for char in shown)


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_no_text_controls_a_terminal_or_forges_a_line_whoever_logs_it(
    capfd: pytest.CaptureFixture[str], log_format: str
) -> None:
    configured(log_format)
    hostile = ESCAPE + TURN + FORGED + "\r\u2028\u0085\ud800"
    log = structlog.stdlib.get_logger("ours")
    log.info(
        "it_happened", text=hostile, nested={hostile: [hostile, (hostile, 1)]}, thing=ValueError(hostile), none=None
    )
    log.info("it_happened", **{hostile: 1})
    logging.getLogger("flask-limiter").warning("ratelimit %s exceeded at %s", "10 per minute", hostile)
    logging.getLogger("theirs").warning({"not": hostile})

    our_logging.flush()
    shown = capfd.readouterr().out
    assert is_harmless(shown), ascii(shown)
    assert shown.count("\n") == 4
    assert "\\x1b]0;gone\\x07" in shown.replace("\\\\", "\\")
    assert "\\u202egnp.exe" in shown.replace("\\\\", "\\")
    if log_format == "json":
        lines = [json.loads(line) for line in shown.splitlines()]
        assert all(is_harmless(str(value)) for line in lines for value in line.values())
        assert lines[0]["nested"] == {escaped(hostile): [escaped(hostile), [escaped(hostile), 1]]}


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_the_text_of_an_error_forges_no_line_either(capfd: pytest.CaptureFixture[str], log_format: str) -> None:
    configured(log_format)
    try:
        fail_saying(ESCAPE + FORGED)
    except RuntimeError as error:
        structlog.stdlib.get_logger("test").error("it_failed", exc_info=error)
        logging.getLogger("theirs").exception("it failed for %s", ESCAPE + FORGED)

    our_logging.flush()
    shown = capfd.readouterr().out
    assert is_harmless(shown), ascii(shown)
    assert "RuntimeError" in shown
    assert not any(line.startswith("2026-11-26T20:00:00Z") for line in shown.splitlines())


def test_the_command_line_too_shows_no_escape_and_no_values_of_variables(capsys: pytest.CaptureFixture[str]) -> None:
    our_logging.configure_quietly()
    try:
        fail_with(SECRET)
    except RuntimeError as error:
        structlog.get_logger("test").error("it_failed", text=ESCAPE + FORGED, exc_info=error)

    shown = capsys.readouterr().err
    assert "it_failed" in shown
    assert is_harmless(shown), ascii(shown)
    assert SECRET not in shown


@pytest.mark.parametrize(("text", "shown"), [("ada", "ada"), ("é ü 漢 😀", "é ü 漢 😀"), ("a\tb", "a\\tb"), ("", "")])
def test_what_people_write_is_left_as_it_is(text: str, shown: str) -> None:
    assert escaped(text) == shown


CONTEXT = {"process": "web", "request_id": "r1"}


def lines_of(capfd: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    our_logging.flush()
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("timestamp"))
    return lines


def test_a_line_has_the_event_its_fields_the_context_the_level_the_logger_and_the_time(
    capfd: pytest.CaptureFixture[str],
) -> None:
    configured("json")
    structlog.contextvars.bind_contextvars(request_id="r1")
    log = structlog.get_logger("web.x")
    log.info("request", method="GET", route="/api/<x>", status=200, milliseconds=1.5)
    log.warning(
        "odd", text='é 漢 😀 "q" \\', large=2**70, none=None, yes=True, items=(1, "a"), some={3}, keys={1: [None]}
    )
    log.critical(
        "worse", level="mine", process="own", error=ValueError("bad\x1b"), path=Path("a"), when=date(2026, 1, 2)
    )
    log.debug("not shown")
    logging.getLogger("lib").warning("hello %s", "wörld\n")

    assert lines_of(capfd) == [
        {"method": "GET", "route": "/api/<x>", "status": 200, "milliseconds": 1.5, "event": "request"}
        | {**CONTEXT, "level": "info", "logger": "web.x"},
        {"text": 'é 漢 😀 "q" \\', "large": 2**70, "none": None, "yes": True, "items": [1, "a"], "some": [3]}
        | {"keys": {"1": [None]}, "event": "odd", **CONTEXT, "level": "warning", "logger": "web.x"},
        {"level": "critical", "process": "own", "error": r"ValueError('bad\x1b')", "event": "worse"}
        | {"path": "PosixPath('a')", "when": "datetime.date(2026, 1, 2)", "request_id": "r1", "logger": "web.x"},
        {"event": r"hello wörld\n", **CONTEXT, "level": "warning", "logger": "lib"},
    ]


def test_a_readable_line_begins_with_time_level_event_and_logger(capfd: pytest.CaptureFixture[str]) -> None:
    configured("console")
    structlog.contextvars.bind_contextvars(request_id="r1")
    structlog.get_logger("web.x").info("request", method="GET", status=200)
    our_logging.flush()
    shown = capfd.readouterr().out
    head, fields = (
        "[info     ] request                        [web.x] ",
        "method=GET process=web request_id=r1 status=200\n",
    )
    assert shown.partition(" ")[2] == head + fields


def test_an_exception_and_a_stack_are_told_wherever_they_come_from(capfd: pytest.CaptureFixture[str]) -> None:
    configured("json")
    log, theirs = structlog.get_logger("ours"), logging.getLogger("theirs")
    try:
        fail_saying("the reason")
    except RuntimeError:
        log.exception("failed")
        theirs.exception("failed")
    log.info("seen", stack_info=True)
    theirs.warning("seen", stack_info=True)

    ours_failed, theirs_failed, ours_seen, theirs_seen = lines_of(capfd)
    assert ours_failed["level"] == theirs_failed["level"] == "error"
    assert ours_failed["exception"] == theirs_failed["exception"]
    assert str(ours_failed["exception"]).endswith("RuntimeError: the reason")
    for seen in (ours_seen, theirs_seen):
        assert "stack_info=True" in str(seen["stack"]).splitlines()[-1]


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError(SECRET)


def test_a_line_that_cannot_be_rendered_says_so_and_fails_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    configured("json")
    structlog.get_logger("ours").info("it_happened", thing=Unspeakable())
    our_logging.flush()
    shown = capfd.readouterr().out
    assert json.loads(shown)["event"] == "log_line_not_rendered"
    assert SECRET not in shown


ROWS: list[dict[str, object]] = [{"user_id": "u", "points": 3}, {"user_id": "é\x1b", "request_id": "own"}]


def test_many_lines_look_as_if_each_had_been_logged_by_itself(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.core.log_lines.Stamp.now", lambda _: "now")
    for log_format, read in (("console", str), ("json", json.loads)):
        configured(log_format)
        structlog.contextvars.bind_contextvars(request_id="r1")
        our_logging.log_many("ours", "applied", ROWS)
        our_logging.flush()
        together = [read(line) for line in capfd.readouterr().out.splitlines()]
        for row in ROWS:
            structlog.get_logger("ours").info("applied", **row)
        our_logging.flush()
        assert [read(line) for line in capfd.readouterr().out.splitlines()] == together
        assert len(together) == len(ROWS)


def test_many_lines_are_seen_by_who_captures_lines_and_by_nobody_if_only_warnings_are_wanted(
    capfd: pytest.CaptureFixture[str],
) -> None:
    configured("json")
    with structlog.testing.capture_logs() as lines:
        our_logging.log_many("ours", "applied", ROWS)
    assert lines == [{**row, "event": "applied", "log_level": "info"} for row in ROWS]

    our_logging.configure_quietly()
    our_logging.log_many("ours", "applied", ROWS)
    our_logging.flush()
    assert capfd.readouterr() == ("", "")


def test_the_time_of_a_line_is_utc_with_microseconds_whenever_it_is() -> None:
    rng = random.Random(20261126)
    for _ in range(1000):
        microseconds = rng.randrange(4_000_000_000_000_000)
        expected = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
        clock = iter([microseconds * 1000])
        assert Stamp(clock.__next__).now() == expected.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
