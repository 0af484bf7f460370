"""A log line tells what went wrong, and nothing that must stay secret."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from common import logging as our_logging
from common import settings

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
