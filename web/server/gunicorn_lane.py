"""The lane ahead of WSGI: a plain request is answered from gunicorn's parsed request, in one send.

Preparing a WSGI environment and checking a dozen header fields of ours costs gunicorn more than the answer does. All
limits of its parser hold, because the request has passed it. Whatever the lane does not answer goes the usual way.
"""

import socket
import time
from email.utils import formatdate
from functools import lru_cache
from typing import Any
from wsgiref.types import WSGIEnvironment

from gunicorn import SERVER

from web.lane.middleware import Answer, Lane

_NOT_PLAIN = frozenset({"CONNECTION", "EXPECT", "TRANSFER-ENCODING", "UPGRADE"})
_WITHOUT_PREFIX = {"CONTENT-TYPE": "CONTENT_TYPE", "CONTENT-LENGTH": "CONTENT_LENGTH"}
_HTTP_1_1 = (1, 1)


def answer(lane: Lane, request: Any, client: socket.socket, address: Any) -> bool:  # noqa: ANN401 - gunicorn's request
    """Answer a parsed request and return True, or return False: it can then be handled as any other."""
    if request.version != _HTTP_1_1 or not lane.takes(request.method, request.path):
        return False
    environ = _environ(request, address)
    if environ is None:
        return False
    known = len(environ)
    found = lane.answer(environ)
    if found is not None:
        client.sendall(_written(found))
        return True
    request.body = environ["wsgi.input"]
    request.body.handed_on = dict(list(environ.items())[known:])
    return False


def _environ(request: Any, address: Any) -> WSGIEnvironment | None:  # noqa: ANN401
    """Return those variables of the WSGI environment that the lane reads; None for a request that is not plain."""
    if not isinstance(address, tuple):
        return None
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query,
        "REMOTE_ADDR": address[0],
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": request.body,
    }
    for name, value in request.headers:
        key = _WITHOUT_PREFIX.get(name) or f"HTTP_{name.replace('-', '_')}"
        if name in _NOT_PLAIN or key in environ:
            return None
        environ[key] = value
    return environ


def _written(found: Answer) -> bytes:
    fields = "".join([f"{name}: {value}\r\n" for name, value in found.headers])
    date = _date(int(time.time()))
    head = f"HTTP/1.1 {found.status}\r\nServer: {SERVER}\r\nDate: {date}\r\nConnection: keep-alive\r\n{fields}\r\n"
    return head.encode("latin-1") + found.body


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
