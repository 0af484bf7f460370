"""What the lane reads of a request, and what it answers with."""

from collections.abc import Callable
from typing import NamedTuple


class LaneRequest(NamedTuple):
    """A request as the server has parsed it.

    `header` returns the value of a header field by its name in upper case with underscores, or an empty text.
    `read_body` returns the whole body, or None for one that is too long or has no length. `address` is the client's, as
    limits count it; `mark_counted` records that its limit has counted this request. `root_path` stands before every
    path that the client sees. `nonce` is of this request alone, and empty where nothing is sent.
    """

    path: str
    query: str
    header: Callable[[str], str]
    read_body: Callable[[], bytes | None]
    address: str
    mark_counted: Callable[[], None]
    root_path: str
    request_id: str
    nonce: str


class LaneReply(NamedTuple):
    """A complete answer. `route` is its label in the metrics and the log; `headers` are those of this answer alone."""

    status: int
    route: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
