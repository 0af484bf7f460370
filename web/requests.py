"""What happens around every request: its id, its size, its time in the metrics, and its line in the log."""

import re
import secrets
import time

import structlog
from flask import Flask, Response, g, request

from common import failures, metrics
from common.errors import ErrorCode, ScoreboardError

log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 16 * 1024
MAX_BATCH_BYTES = 1024 * 1024
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)


def init_app(app: Flask) -> None:
    app.before_request(begin)
    app.after_request(end)
    app.teardown_request(lambda _error: failures.end())


def begin() -> None:
    g.started = time.perf_counter()
    failures.begin()
    offered = request.headers.get("X-Request-ID", "")
    g.request_id = offered if _REQUEST_ID.fullmatch(offered) else secrets.token_hex(16)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(process="web", request_id=g.request_id)
    # A body without a length is cut there, silently: one byte more than allowed tells that it was too long.
    request.max_content_length = _most() + 1
    check_size(request.content_length or 0)


def check_size(body_bytes: int) -> None:
    """Raises `body_too_large`."""
    if body_bytes > _most():
        raise ScoreboardError(ErrorCode.BODY_TOO_LARGE, f"The body may hold {_most()} bytes.")


def _most() -> int:
    return MAX_BATCH_BYTES if request.endpoint == "scores.batch" else MAX_BODY_BYTES


def end(response: Response) -> Response:
    seconds = time.perf_counter() - g.started
    route = request.url_rule.rule if request.url_rule else "none"
    metrics.RESPONSE_SECONDS.labels(route, request.method, response.status_code).observe(seconds)
    response.headers["X-Request-ID"] = g.request_id
    log.info(
        "request",
        method=request.method,
        route=route,
        status=response.status_code,
        milliseconds=round(seconds * 1000, 1),
    )
    return response
