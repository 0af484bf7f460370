"""The lane ahead of WSGI, asked through gunicorn over a connection that is kept: whose answer is whose, and what is not
for it."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from tests.caller import Caller

TOP = "GET /api/scores/leaderboard?limit=3 HTTP/1.1\r\nHost: x\r\n"


class Connection:
    """One connection; answers are read in the order of the requests."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._data = b""

    def send(self, *texts: str | bytes) -> None:
        self._connection.sendall(b"".join(text.encode() if isinstance(text, str) else text for text in texts))

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by their names in lower case, and body."""
        while b"\r\n\r\n" not in self._data:
            self._receive()
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        length = int(headers.get("content-length", 0))
        while len(self._data) < length:
            self._receive()
        body, self._data = self._data[:length], self._data[length:]
        return int(line.split()[1]), headers, body

    def is_closed(self) -> bool:
        return not self._data and self._connection.recv(1) == b""

    def _receive(self) -> None:
        data = self._connection.recv(65536)
        assert data, "closed before the answer"
        self._data += data


@contextmanager
def connected(stack: Stack) -> Iterator[Connection]:
    with socket.create_connection(("127.0.0.1", int(stack.environment["SCOREBOARD_PORT"])), 10) as connection:
        yield Connection(connection)


@pytest.fixture(scope="module")
def ada(stack: Stack) -> Caller:
    return Caller(stack, "ada-in-the-lane")


def update(caller: Caller, *fields: str, body: bytes | None = None, action: str = "share") -> tuple[str, bytes]:
    content = body if body is not None else json.dumps(caller.claim(action)).encode()
    headers = [f"Authorization: {caller.headers['Authorization']}", "Content-Type: application/json", *fields]
    if not any(field.lower().startswith("transfer-encoding") for field in fields):
        headers.append(f"Content-Length: {len(content)}")
    lines = "\r\n".join(["POST /api/scores/update HTTP/1.1", "Host: x", *headers])
    return f"{lines}\r\n\r\n", content


def test_requests_of_all_kinds_on_one_connection_get_their_own_answers(stack: Stack, ada: Caller) -> None:
    with connected(stack) as connection:
        connection.send(TOP, "X-Request-ID: first-of-all\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.send(*update(ada, "Prefer: respond-async", "X-Request-ID: third-of-all"))
        connection.send(*update(ada, body=b"{"), TOP, "\r\n")
        status, headers, body = connection.answer()
        assert (status, headers["x-request-id"], json.loads(body)["board"]) == (200, "first-of-all", "main")
        assert connection.answer()[0] == 200
        status, headers, body = connection.answer()
        assert (status, headers["x-request-id"], json.loads(body)["status"]) == (202, "third-of-all", "accepted")
        assert connection.answer()[0] == 400
        status, headers, _ = connection.answer()
        assert (status, headers["connection"]) == (200, "keep-alive")


def test_the_first_answer_and_that_of_the_view_have_the_same_headers(stack: Stack) -> None:
    with connected(stack) as connection:
        connection.send(TOP, "\r\n", "GET /api/scores/leaderboard?limit=%33 HTTP/1.1\r\nHost: x\r\n\r\n")
        (_, ahead, body), (_, view, same) = connection.answer(), connection.answer()
    assert body == same
    assert {**ahead, "x-request-id": "", "date": ""} == {**view, "x-request-id": "", "date": ""}


def test_a_place_has_the_same_headers_and_bytes_as_by_the_view(stack: Stack, ada: Caller) -> None:
    place = f"GET /api/scores/user/{ada.user_id}"
    with connected(stack) as connection:
        connection.send(*update(ada, action="win-match"))
        assert connection.answer()[0] == 200
        for query in ("?period=%61ll", "", "?period=%61ll"):  # the view has filled the cache of names after the first
            connection.send(f"{place}{query} HTTP/1.1\r\nHost: x\r\n\r\n")
        _, (status, ahead, body), (_, view, same) = (connection.answer() for _ in range(3))
    assert (status, json.loads(body)["userId"]) == (200, ada.user_id)
    assert body == same
    assert {**ahead, "x-request-id": "", "date": ""} == {**view, "x-request-id": "", "date": ""}


def test_an_update_is_waited_for_and_counted(stack: Stack, ada: Caller) -> None:
    with connected(stack) as connection:
        connection.send(*update(ada, action="win-match"))
        status, _, body = connection.answer()
    assert (status, json.loads(body)["update"]["points"]) == (200, 25)


def test_a_body_in_chunks_is_read_by_the_view(stack: Stack, ada: Caller) -> None:
    content = json.dumps(ada.claim("share")).encode()
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
    with connected(stack) as connection:
        connection.send(*update(ada, "Transfer-Encoding: chunked", "Prefer: respond-async", body=chunks))
        assert connection.answer()[0] == 202
        connection.send(TOP, "\r\n")
        assert connection.answer()[0] == 200


@pytest.mark.parametrize(
    ("head", "closes"),
    [
        ("GET /api/scores/leaderboard HTTP/1.0\r\nHost: x\r\n\r\n", True),
        (f"{TOP}Connection: close\r\n\r\n", True),
        (f"{TOP}Connection: keep-alive\r\n\r\n", False),
        (f"{TOP}X-Forwarded-For: 192.0.2.7\r\n\r\n", False),
        (f'{TOP}If-None-Match: "a"\r\nIf-None-Match: "b"\r\n\r\n', False),
    ],
)
def test_what_is_not_plain_is_answered_the_usual_way(stack: Stack, head: str, closes: bool) -> None:
    with connected(stack) as connection:
        connection.send(head)
        status, headers, _ = connection.answer()
        assert (status, headers["connection"]) == (200, "close" if closes else "keep-alive")
        if closes:
            assert connection.is_closed()


def test_a_client_that_goes_in_the_middle_of_its_body_leaves_no_trace(stack: Stack, ada: Caller) -> None:
    head, content = update(ada, "Prefer: respond-async")
    with connected(stack) as connection:
        connection.send(head, content[:20])
    with connected(stack) as other:
        other.send(*update(ada, "Prefer: respond-async"))
        assert other.answer()[0] == 202
    with stack.redis() as client:
        wait_until(lambda: client.xlen("scores:inbox") == 0)
