"""Structured logs: a constant event name and fields, one JSON object a line, or a readable line for people.

Whatever a field holds, and whatever a library says, is made harmless here, where lines are rendered: no text of a
client's can forge a line, move a terminal's cursor or turn the reading order.
"""

import logging
import sys
from collections.abc import Mapping
from typing import Protocol

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from common.core.printable import escaped, escaped_lines

_NOISY_LOGGERS = ("celery.app.trace", "celery.beat", "celery.worker.strategy")
"""These loggers write a line for every message, and the sweep alone is one every two seconds."""


_OF_SEVERAL_LINES = ("exception", "stack")
_MARGIN = "    "
"""Before each line of a traceback in the readable format, so that none looks like a line of its own."""


class LogSettings(Protocol):
    """The settings that decide which lines are logged and how they look."""

    @property
    def log_format(self) -> str:
        """`json` or `console`."""

    @property
    def log_level(self) -> str:
        """The name of the lowest severity that is logged."""


def configure_quietly() -> None:
    """Log only warnings and errors, on standard error, because the standard output of a command is its result."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *_readable(is_terminal=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def configure(settings: LogSettings, process: str) -> None:
    """Route our events and every library's records through one format. `process` is `web`, `worker`, …"""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(settings)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for chatty in _NOISY_LOGGERS:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)


def _rendering(settings: LogSettings) -> list[Processor]:
    if settings.log_format == "console":
        return _readable(is_terminal=sys.stdout.isatty())
    return [structlog.processors.format_exc_info, _Harmless(), structlog.processors.JSONRenderer()]


def _readable(*, is_terminal: bool) -> list[Processor]:
    # Not the default's traceback: it shows the values of variables, and so passwords and keys.
    renderer = structlog.dev.ConsoleRenderer(colors=is_terminal, exception_formatter=structlog.dev.plain_traceback)
    return [structlog.processors.format_exc_info, _Harmless(_MARGIN), renderer]


class _Harmless:
    """Replaces characters that could control a terminal or forge a line by escapes, in every name and value."""

    def __init__(self, margin: str = "") -> None:
        self._margin = margin

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {escaped(name): self._field(name, value) for name, value in event.items()}

    def _field(self, name: str, value: object) -> object:
        if name in _OF_SEVERAL_LINES and isinstance(value, str):
            return escaped_lines(value, self._margin)
        return _harmless(value)


def _harmless(value: object) -> object:
    """Return text escaped, numbers unchanged, containers with harmless items, anything else as its escaped `repr`."""
    if isinstance(value, str):
        return escaped(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return {escaped(str(key)): _harmless(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_harmless(part) for part in value]
    return escaped(repr(value))
