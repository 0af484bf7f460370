"""A log line tells what went wrong, and nothing that must stay secret."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from common.core import logging as our_logging
from common.core import settings
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
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    environment = {
        "DATABASE_URL": "postgresql://localhost:1/none",
        "REDIS_URL": "redis://localhost:1/0",
        "SCOREBOARD_JWT_SECRET": "jwt-secret-of-tests-" * 2,
        "SCOREBOARD_SECRET_KEY": "server-secret-of-tests-" * 2,
        "SCOREBOARD_LOG_FORMAT": log_format,
    }
    our_logging.configure(settings.load(environment), "web")
    try:
        fail_with(SECRET)
    except RuntimeError as error:
        structlog.stdlib.get_logger("test").error("it_failed", exc_info=error)
    shown = capsys.readouterr().out
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
    capsys: pytest.CaptureFixture[str], log_format: str
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

    shown = capsys.readouterr().out
    assert is_harmless(shown), ascii(shown)
    assert shown.count("\n") == 4
    assert "\\x1b]0;gone\\x07" in shown.replace("\\\\", "\\")
    assert "\\u202egnp.exe" in shown.replace("\\\\", "\\")
    if log_format == "json":
        lines = [json.loads(line) for line in shown.splitlines()]
        assert all(is_harmless(str(value)) for line in lines for value in line.values())
        assert lines[0]["nested"] == {escaped(hostile): [escaped(hostile), [escaped(hostile), 1]]}


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_the_text_of_an_error_forges_no_line_either(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    configured(log_format)
    try:
        fail_saying(ESCAPE + FORGED)
    except RuntimeError as error:
        structlog.stdlib.get_logger("test").error("it_failed", exc_info=error)
        logging.getLogger("theirs").exception("it failed for %s", ESCAPE + FORGED)

    shown = capsys.readouterr().out
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
