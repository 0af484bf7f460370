"""Structured logs: a constant event name and fields, one JSON object a line, or a readable line for people."""

import logging
import sys

import structlog
from structlog.typing import Processor

from common.settings import Settings

_CHATTY = ("celery.app.trace", "celery.beat", "celery.worker.strategy")
"""They tell of every message, and the sweep is one every two seconds."""


def configure_quietly() -> None:
    """For a command line, whose standard output is its result: only what is wrong, on standard error."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def configure(settings: Settings, process: str) -> None:
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
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)


def _rendering(settings: Settings) -> list[Processor]:
    if settings.log_format == "console":
        # Not the default's traceback: it shows the values of variables, and so passwords and keys.
        traceback = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=traceback)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
