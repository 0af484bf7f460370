"""The answer to a plain WebSocket handshake (RFC 6455, section 4.2), without a second parser of HTTP."""

import base64
import binascii
import hashlib
from types import SimpleNamespace
from typing import Any
from wsgiref.types import WSGIEnvironment

from simple_websocket import Server
from wsproto import ConnectionType
from wsproto.connection import Connection

VERSION = "13"
LONGEST_MESSAGE_BYTES = 1024
_KEY_BYTES = 16
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_ANSWER = b"HTTP/1.1 101 \r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"


class _Nothing:
    """Takes the place of the thread and the event of simple-websocket, which reads nothing here."""

    name = ""

    def __init__(self, target: object = None) -> None:
        """Take what a thread takes."""

    def start(self) -> None:
        """Start nothing."""

    def set(self) -> None:
        """Wake nobody."""


class AnsweredServer(Server):
    """A connection whose handshake is over: it was answered with `answer_to`, or by another server."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        options: dict[str, Any] = {"thread_class": _Nothing, "event_class": _Nothing}
        super().__init__(environ, max_message_size=LONGEST_MESSAGE_BYTES, **options)

    def handshake(self) -> None:
        """Begin with frames."""
        self.ws: Any = SimpleNamespace(connection=Connection(ConnectionType.SERVER))
        self.connected = True


def asks_to_switch(environ: WSGIEnvironment) -> bool:
    """Return whether a request asks for a WebSocket of our version."""
    upgrade = environ.get("HTTP_UPGRADE", "").lower() == "websocket"
    connection = [token.strip().lower() for token in environ.get("HTTP_CONNECTION", "").split(",")]
    version = environ.get("HTTP_SEC_WEBSOCKET_VERSION")
    is_old = environ.get("SERVER_PROTOCOL") == "HTTP/1.0"
    return upgrade and not is_old and "upgrade" in connection and version == VERSION


def has_key(environ: WSGIEnvironment) -> bool:
    """Return whether the key of a handshake is 16 bytes in base64."""
    try:
        return len(base64.b64decode(environ.get("HTTP_SEC_WEBSOCKET_KEY", ""), validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def answer_to(environ: WSGIEnvironment) -> bytes:
    """Return the answer that switches to WebSocket, without an extension."""
    key: str = environ["HTTP_SEC_WEBSOCKET_KEY"]
    return _ANSWER % base64.b64encode(hashlib.sha1(key.encode("ascii") + _GUID).digest())  # noqa: S324 - the RFC's
