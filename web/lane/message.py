"""What the lane reads of a request, and what it answers with."""

from collections.abc import Callable
from typing import NamedTuple


class LaneRequest(NamedTuple):
    """A request as the server has parsed it.

    `header` returns the value of a header field by its name in lower case, or an empty text. `read_body` returns the
    whole body; None for one that is too long or cannot be read, and the request can then still be handled elsewhere.
    `peer` is the address of the client.
    """

    method: str
    path: str
    query: str
    header: Callable[[str], str]
    read_body: Callable[[], bytes | None]
    peer: str
    request_id: str


class LaneReply(NamedTuple):
    """A complete answer. `route` is its label in the metrics and the log; `headers` are those of this answer alone."""

    status: int
    route: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
