"""The context of every request: its id, its size limit, its duration in the metrics, and its log line."""

import re
import secrets
import time
from functools import cache
from typing import NamedTuple, cast

import structlog
from flask import Flask, Response, g, request
from gunicorn.http.errors import ParseException
from prometheus_client import Histogram
from werkzeug.exceptions import HTTPException

from common.contract.errors import ErrorCode, ScoreboardError
from common.core import deadlines, metrics
from web.guards import scopes

log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 16 * 1024
MAX_BATCH_BYTES = 1024 * 1024
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
"""The methods that have a label in the metrics; a client may invent any other."""

_NOT_SUPPORTED = ("HTTP_RANGE", "HTTP_IF_RANGE", "HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE")
"""Header fields of range and conditional requests that are ignored, because their statuses are not in the contract."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)


HANDED_ON = "scoreboard.handed_on"
"""The name in the WSGI environment of what was begun ahead of Flask."""


COUNTED_BY_ADDRESS = "scoreboard.counted_by_address"
"""The name in the WSGI environment of the mark of a request that its address' limit has counted ahead of Flask."""


class HandedOn(NamedTuple):
    """A request that was looked at ahead of Flask: when that began, its id, and the nonce of an update, or ''."""

    started: float
    request_id: str
    nonce: str


def init_app(app: Flask) -> None:
    app.before_request(begin)
    app.after_request(end)
    app.teardown_request(lambda _error: deadlines.end())


def begin() -> None:
    begun: HandedOn | None = request.environ.get(HANDED_ON)
    if begun:
        g.started, g.request_id, g.nonce = begun
    else:
        g.started = time.perf_counter()
        g.request_id = begin_log(request.headers.get("X-Request-ID", ""))
        g.nonce = None
        deadlines.begin()
    for name in _NOT_SUPPORTED:
        request.environ.pop(name, None)
    # A body without a length is cut there, silently: one byte more than allowed tells that it was too long.
    request.max_content_length = _most() + 1


def refuse_too_large() -> None:
    """Raise `body_too_large` for a body whose announced length is too large."""
    _check_size(request.content_length or 0)


def read_body() -> bytes:
    """Return the body, which is read once. Raises `body_too_large`, or `invalid_json` for one that ends early."""
    if "body" not in g:
        try:
            g.body = request.get_data()
        except (ParseException, HTTPException) as error:  # malformed chunks, or fewer bytes than announced
            g.body = ScoreboardError(ErrorCode.INVALID_JSON, "The body cannot be read.")
            g.body.__cause__ = error
    if isinstance(g.body, ScoreboardError):
        raise g.body
    body = cast(bytes, g.body)
    _check_size(len(body))
    return body


def _check_size(body_bytes: int) -> None:
    if body_bytes > _most():
        raise ScoreboardError(ErrorCode.BODY_TOO_LARGE, f"The body may hold {_most()} bytes.")


def _most() -> int:
    is_long = scopes.has_body_of_game_server() or request.endpoint == "catalogue.apply"
    return MAX_BATCH_BYTES if is_long else MAX_BODY_BYTES


def end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    end_log(request.method, request.url_rule.rule if request.url_rule else "none", response.status_code, g.started)
    return response


def begin_log(offered_id: str) -> str:
    """Return the request's id, that which the client offers if it has the form of one, and log under it from now on."""
    request_id = offered_id if _REQUEST_ID.fullmatch(offered_id) else secrets.token_hex(16)
    # Nothing else is bound in a request, so that there is nothing of an earlier one to clear.
    structlog.contextvars.bind_contextvars(process="web", request_id=request_id)
    return request_id


def end_log(method: str, route: str, status: int, started: float) -> None:
    """Record in the metrics and in the log that a request was answered; `started` is of `time.perf_counter`."""
    seconds = time.perf_counter() - started
    _seconds_of(route, method if method in _METHODS else "other", status).observe(seconds)
    log.info("request", method=method, route=route, status=status, milliseconds=round(seconds * 1000, 1))


@cache
def _seconds_of(route: str, method: str, status: int) -> Histogram:
    """Return the histogram with these labels, of which there are a few hundred: the client chooses none of them."""
    return metrics.RESPONSE_SECONDS.labels(route, method, status)
