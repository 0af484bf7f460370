"""Bodies that come badly, over real sockets: the client reads why it is refused, whatever it still had to send."""

import json
import socket

import pytest

from dev.harness.stack import Stack

UNREADABLE = {
    b"FOO\r\n\r\n": 400,
    b"GET / HTTP/9.9\r\n\r\n": 400,
    b"GET / HTTP/1.1\r\nbad header\r\n\r\n": 400,
    b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n": 414,
    b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 40_000 + b"\r\n\r\n": 431,
}
"""What gunicorn refuses by itself, and the status that it has for it."""

HEAD = b"POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"


def ask(stack: Stack, request: bytes) -> tuple[int, str]:
    """Status and error code, read to the end of the stream."""
    head, body = exchange(stack, request)
    return int(head.split(b" ", 2)[1]), json.loads(body)["error"]["code"]


def exchange(stack: Stack, request: bytes) -> tuple[bytes, bytes]:
    """Head and body of the answer."""
    with socket.create_connection(("127.0.0.1", int(stack.environment["SCOREBOARD_PORT"])), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while data := connection.recv(65536):
            answer += data
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


@pytest.mark.parametrize("request_bytes", UNREADABLE, ids=lambda sent: sent[:30].decode())
def test_a_request_that_gunicorn_cannot_read_is_refused_in_the_one_shape(stack: Stack, request_bytes: bytes) -> None:
    head, body = exchange(stack, request_bytes)

    assert int(head.split(b" ", 2)[1]) == UNREADABLE[request_bytes]
    assert json.loads(body)["error"]["code"] == "validation_failed"
    assert b"X-Request-ID: " in head
    assert b"frame-ancestors 'none'" in head


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Content-Length: +2\r\n",
    ],
)
def test_no_second_request_hides_in_the_body_of_another(stack: Stack, framing: bytes) -> None:
    """Two servers that find the end of a body in two places would take what is between for a request of its own."""
    head, body = exchange(stack, HEAD + framing + b"\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")

    assert int(head.split(b" ", 2)[1]) >= 400
    assert body.count(b"HTTP/1.1") == 0


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"2\r\n{}\r\nzz\r\n", b"1\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}\r\n0\r\n\r\n"])
def test_chunks_that_are_none_are_invalid(stack: Stack, chunks: bytes) -> None:
    assert ask(stack, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks) == (400, "invalid_json")


@pytest.mark.parametrize("size", [20_000, 900_000])
def test_the_refusal_of_a_large_body_arrives_though_nobody_has_read_the_body(stack: Stack, size: int) -> None:
    request = HEAD + f"Content-Length: {size}\r\n\r\n".encode() + b"x" * size

    assert [ask(stack, request) for _ in range(20)] == [(413, "body_too_large")] * 20
