"""What a lane reads of a request, and what it answers with."""

import io
from typing import NamedTuple
from wsgiref.types import WSGIEnvironment

from web.guards.addresses import address_of
from web.guards.request_context import COUNTED_BY_ADDRESS, MAX_BODY_BYTES


class ReadBody(io.BytesIO):
    """A body that was read already. `handed_on` is what the WSGI environment has to say of its request."""

    handed_on: WSGIEnvironment | None = None


class LaneRequest:
    """A request as the server has parsed it.

    `environ` is its WSGI environment, or of that only what a lane reads. `nonce` is of this request alone, and empty
    where nothing is sent.
    """

    __slots__ = ("environ", "nonce", "request_id")

    def __init__(self, environ: WSGIEnvironment, request_id: str, nonce: str) -> None:
        self.environ = environ
        self.request_id = request_id
        self.nonce = nonce

    @property
    def path(self) -> str:
        path: str = self.environ["PATH_INFO"]
        return path

    @property
    def query(self) -> str:
        """The query as it was sent, without its question mark."""
        query: str = self.environ.get("QUERY_STRING", "")
        return query

    @property
    def root_path(self) -> str:
        """What stands before every path that the client sees."""
        root_path: str = self.environ.get("SCRIPT_NAME", "")
        return root_path

    @property
    def address(self) -> str:
        """The client's address, as limits count it."""
        return address_of(self.environ)

    def header(self, variable: str) -> str:
        """Return the value of a header field by its variable in the WSGI environment, or an empty text."""
        value: str = self.environ.get(variable, "")
        return value

    def mark_counted(self) -> None:
        """Record that the limit of its address has counted this request."""
        self.environ[COUNTED_BY_ADDRESS] = True

    def read_body(self) -> bytes | None:
        """Return the body, and leave it to be read again.

        None, and nothing read, for one whose length is unknown or too great; None also for one that breaks off.
        """
        length = self.header("CONTENT_LENGTH")
        if "HTTP_TRANSFER_ENCODING" in self.environ or not (length.isascii() and length.isdecimal()):
            return None
        if int(length) > MAX_BODY_BYTES:
            return None
        try:
            body: bytes = self.environ["wsgi.input"].read(int(length))
        except OSError:  # the client has gone
            return None
        self.environ["wsgi.input"] = ReadBody(body)
        return body


class LaneReply(NamedTuple):
    """A complete answer. `route` is its label in the metrics and the log; `headers` are those of this answer alone.

    With status 101 the answer was sent already, and the connection belongs to whoever speaks on it from here on.
    """

    status: int
    route: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
