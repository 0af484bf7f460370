"""Structured logs: a constant event name and fields, rendered by `log_lines` and written by `log_output`.

Our own lines do not pass through the standard library's loggers. The records of other libraries do, and leave by the
same door.
"""

import atexit
import faulthandler
import logging
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Protocol

import structlog
from structlog.typing import EventDict, WrappedLogger

from common.core import log_lines, metrics
from common.core.log_output import LogOutput

_NOISY_LOGGERS = ("celery.app.trace", "celery.beat", "celery.worker.strategy")
"""These loggers write a line for every message, and the sweep alone is one every two seconds."""

_STANDARD_OUTPUT = 1
_STACK = structlog.processors.StackInfoRenderer(additional_ignores=[__name__])


class LogSettings(Protocol):
    """The settings that decide which lines are logged and how they look."""

    @property
    def log_format(self) -> str:
        """`json`, `console`, or `auto`: `console` on a terminal, `json` elsewhere."""

    @property
    def log_level(self) -> str:
        """The name of the lowest severity that is logged."""


def configure_quietly() -> None:
    """Log only warnings and errors, each at once, on standard error: the standard output of a command is its result."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *log_lines.readable(is_terminal=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def configure(settings: LogSettings, process: str) -> None:
    """Route our events and every library's records to standard output. `process` is `web`, `worker`, …"""
    lines = _Lines(_rendering(settings.log_format))
    _Standard.begin(lines)
    structlog.configure(
        processors=[lines],
        logger_factory=_Logger,
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [_Records(lines)]
    root.setLevel(settings.log_level)
    for chatty in _NOISY_LOGGERS:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if not faulthandler.is_enabled():
        faulthandler.enable()  # a crash outside of Python tells its place, on standard error
    structlog.contextvars.bind_contextvars(process=process)


def log_many(logger: str, event: str, rows: Iterable[Mapping[str, object]]) -> None:
    """Log one line at level `info` for the fields of each row. They share a time and are written together."""
    each = structlog.get_logger(logger)
    if not each.is_enabled_for(logging.INFO):
        return
    (*others, last) = structlog.get_config()["processors"]
    if others or not isinstance(last, _Lines):
        for row in rows:
            each.info(event, **row)
        return
    _Standard.output.add_all(last.render_all(logger, event, rows))


def flush() -> None:
    """Write the lines that are gathered. For ends of a process that no `atexit` sees."""
    _Standard.output.flush()


class _Standard:
    """The standard output of this process. Before `configure` nothing is written to it."""

    output = LogOutput(_STANDARD_OUTPUT)

    @classmethod
    def begin(cls, lines: "_Lines") -> None:
        cls.output.close()
        cls.output.release()
        cls.output = LogOutput(_STANDARD_OUTPUT, dropped=metrics.LOG_LINES_DROPPED.inc, notice=lines.notice_of_dropped)


atexit.register(lambda: _Standard.output.close())  # noqa: PLW0108 - the output of then, not of now
os.register_at_fork(before=flush, after_in_child=lambda: _Standard.output.after_fork())  # noqa: PLW0108


class _Lines:
    """Renders events. The only processor of our loggers, because each one more costs a call a line."""

    def __init__(self, render: log_lines.Render) -> None:
        self._render = render
        self._stamp = log_lines.Stamp()

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> bytes:
        for name, value in structlog.contextvars.get_contextvars().items():
            event.setdefault(name, value)
        return self.line(event, "error" if method == "exception" else method, logger.name)

    def line(self, event: EventDict, level: str, logger: str) -> bytes:
        """Return the line of an event."""
        event["level"] = level
        event["logger"] = logger
        event["timestamp"] = self._stamp.now()
        return self._rendered(event)

    def render_all(self, logger: str, event: str, rows: Iterable[Mapping[str, object]]) -> list[bytes]:
        """Return a line for each row."""
        context = structlog.contextvars.get_contextvars()
        shared = {"level": "info", "logger": logger, "timestamp": self._stamp.now()}
        shared_by_most = {"event": event, **context, **shared}
        return [
            self._rendered(
                {**row, **shared_by_most}
                if context.keys().isdisjoint(row)
                else {**context, **row, "event": event, **shared}
            )
            for row in rows
        ]

    def _rendered(self, event: EventDict) -> bytes:
        """Return the line of a complete event. One that cannot be rendered says so: no line may fail its caller."""
        try:
            if "exc_info" in event or "stack_info" in event:
                event = _with_places(event)
            return self._render(event)
        except Exception as error:
            reason = type(error).__name__
            return log_lines.as_json({"event": "log_line_not_rendered", "reason": reason, "level": "error"})

    def notice_of_dropped(self, count: int) -> bytes:
        """Return the line that says how many lines are missing before it."""
        return self.line({"count": count, "event": "log_lines_dropped"}, "warning", __name__)


def _with_places(event: EventDict) -> EventDict:
    """Return the event with its traceback and stack as text."""
    return structlog.processors.format_exc_info(None, "", _STACK(None, "", event))


class _Logger:
    """The end of our loggers, which puts lines into the output; those from `warning` up at once."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def info(self, line: bytes) -> None:
        _Standard.output.add(line)

    debug = info

    def warning(self, line: bytes) -> None:
        _Standard.output.add(line, at_once=True)

    error = critical = warning


class _Records(logging.Handler):
    """Renders the records of libraries as our lines."""

    def __init__(self, lines: _Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            event: EventDict = {"event": record.getMessage(), **structlog.contextvars.get_contextvars()}
        except Exception:
            self.handleError(record)
            return
        if record.exc_info:
            event["exc_info"] = record.exc_info
        if record.stack_info:
            event["stack"] = record.stack_info
        line = self._lines.line(event, record.levelname.lower(), record.name)
        _Standard.output.add(line, at_once=record.levelno >= logging.WARNING)


def _rendering(log_format: str) -> log_lines.Render:
    is_terminal = os.isatty(_STANDARD_OUTPUT)
    if log_format == "console" or (log_format == "auto" and is_terminal):
        return log_lines.as_text(colours=is_terminal)
    return log_lines.as_json
