"""Refusals by gunicorn itself, of a request line, header or body framing that cannot be read.

gunicorn would answer with HTML; these answers have the API's shape, so that clients need to know only one.
"""

import json
import secrets
import socket
from http import HTTPStatus

from gunicorn import util

from common.contract.errors import SENTENCES, ErrorCode
from common.contract.responses import Error
from web.guards.security_headers import NO_CONTENT_POLICY

_SENTENCES = {
    HTTPStatus.REQUEST_URI_TOO_LONG: "The request line is too long.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The header fields are too large.",
}


def install() -> None:
    """Replace gunicorn's `util.write_error`, which its workers call for each of these refusals."""
    util.write_error = write_error


def write_error(sock: socket.socket, status_int: int, reason: str, mesg: str) -> None:
    """Send the refusal. `mesg` quotes the request, and is not repeated."""
    del mesg
    is_ours = status_int >= HTTPStatus.INTERNAL_SERVER_ERROR and status_int != HTTPStatus.NOT_IMPLEMENTED
    code = ErrorCode.INTERNAL_ERROR if is_ours else ErrorCode.VALIDATION_FAILED
    default = SENTENCES[code] if is_ours else "The request cannot be read."
    body: Error = {"error": {"code": code, "message": _SENTENCES.get(HTTPStatus(status_int), default)}}
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status_int} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nX-Request-ID: {secrets.token_hex(16)}\r\n"
        "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
        f"Content-Security-Policy: {NO_CONTENT_POLICY}\r\n\r\n"
    )
    util.write_nonblock(sock, head.encode("latin-1") + content)
