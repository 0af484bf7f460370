"""deploy/nginx.conf in front of the running product: what passes, what is kept away, and what a client reads then."""

import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urljoin

import pytest

from dev.harness.servers import temporary_root
from dev.harness.stack import Stack, another_web, free_port
from dev.harness.waiting import wait_until
from tests.live_client import LiveClient

ROOT = Path(__file__).resolve().parents[2]
REQUESTS_AN_HOUR = 3

pytestmark = pytest.mark.skipif(not shutil.which("nginx"), reason="needs nginx (apt-get install nginx)")


@contextmanager
def nginx(
    *, web: str, live: str, tls_port: int | None = None, header_timeout: str = "10s", further: str = ""
) -> Iterator[tuple[int, Path]]:
    """The configuration as it is, but for addresses, places of files and, to save time, the patience with headers.

    `further` is put into its server, where an operator's own files are included.

    The port that speaks plain HTTP comes back, and the folder of all files.
    """
    port = free_port()
    folder = temporary_root()  # which others can enter: started by root, nginx works as somebody else
    (folder / "scoreboard").mkdir()
    configuration = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    for ours, here in {
        "server web:8000;": f"server {web};",
        "server live:8000;": f"server {live};",
        "listen 8080;": f"listen 127.0.0.1:{port};",
        "/tmp/": f"{folder}/",  # noqa: S108 - the container's
        "/etc/nginx/scoreboard/": f"{folder}/scoreboard/",
        "client_header_timeout 10s;": f"client_header_timeout {header_timeout};",
    }.items():
        assert ours in configuration, f"the configuration no longer says {ours!r}"
        configuration = configuration.replace(ours, here)
    (folder / "nginx.conf").write_text(configuration)
    (folder / "scoreboard" / "further.conf").write_text(further)
    if tls_port:
        _add_tls(folder, tls_port)
    command = ["nginx", "-e", "stderr", "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: process.poll() is not None or _listens(port))
        assert process.poll() is None, process.stderr and process.stderr.read()
        yield port, folder
    finally:
        process.terminate()
        process.communicate(timeout=10)
        shutil.rmtree(folder)


def _add_tls(folder: Path, port: int) -> None:
    """deploy/tls.conf with a certificate of our own making."""
    certificate, key = folder / "tls_certificate", folder / "tls_key"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    subprocess.run([*make, *subject, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    configuration = (ROOT / "deploy" / "tls.conf").read_text(encoding="utf-8")
    configuration = configuration.replace("listen 8443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;")
    (folder / "scoreboard" / "tls.conf").write_text(configuration.replace("/run/secrets/", f"{folder}/"))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def web(stack: Stack) -> Iterator[Stack]:
    """The web processes for everything but the live socket, which `stack` itself has."""
    with another_web(stack, SCOREBOARD_TRUSTED_PROXIES="1", SCOREBOARD_IP_LIMIT=f"{REQUESTS_AN_HOUR}/hour") as other:
        yield other


@pytest.fixture(scope="module")
def proxy(stack: Stack, web: Stack) -> Iterator[int]:
    with nginx(web=_address(web), live=_address(stack), header_timeout="1s") as (port, _):
        yield port


def _address(stack: Stack) -> str:
    return stack.url.removeprefix("http://")


Answer = tuple[int, dict[str, str], bytes]
"""Status, header fields by their names in lower case, and body."""


def get(port: int, path: str, **headers: str) -> Answer:
    return ask(http.client.HTTPConnection("127.0.0.1", port, timeout=10), path, headers)


def code_of(answer: Answer) -> str:
    """The code of an error in the one shape."""
    return str(json.loads(answer[2])["error"]["code"])


def ask(connection: http.client.HTTPConnection, path: str, headers: dict[str, str], method: str = "GET") -> Answer:
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def test_an_answer_passes_with_its_header_fields(proxy: int) -> None:
    status, headers, body = get(proxy, "/healthz", **{"X-Request-ID": "request-0001"})

    assert (status, json.loads(body)) == (200, {"status": "ok"})
    assert headers["x-request-id"] == "request-0001"
    assert headers["x-content-type-options"] == "nosniff"


def test_viewers_see_the_board(proxy: int) -> None:
    with LiveClient(f"ws://127.0.0.1:{proxy}/ws/scoreboard") as viewer:
        message = viewer.receive()

    assert message
    assert message["type"] == "snapshot"


def test_a_refusal_of_the_live_socket_is_the_service_s_own(proxy: int) -> None:
    status, _, body = get(proxy, "/ws/scoreboard")

    assert (status, json.loads(body)["error"]["code"]) == (426, "upgrade_required")


def test_a_client_cannot_choose_the_address_by_which_it_is_limited(proxy: int) -> None:
    def request(number: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", proxy, timeout=10, source_address=("127.0.0.9", 0))
        forged = {"X-Forwarded-For": f"192.0.2.{number}"}
        return ask(connection, "/api/scores/leaderboard", forged)[0]

    assert [request(number) for number in range(REQUESTS_AN_HOUR + 1)] == [200] * REQUESTS_AN_HOUR + [429]


def test_a_body_that_is_too_large_is_refused_in_the_one_shape(proxy: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy, timeout=10)
    connection.request("POST", "/api/scores/batch", b"x" * (1024 * 1024 + 1), {"Content-Type": "application/json"})
    response = connection.getresponse()

    assert (response.status, json.loads(response.read())["error"]["code"]) == (413, "body_too_large")
    connection.close()


def test_what_the_proxy_itself_refuses_has_the_one_shape_too(proxy: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy, timeout=10)
    connection.putrequest("POST", "/api/scores/batch")
    connection.putheader("Content-Length", "3000000")
    connection.endheaders()
    response = connection.getresponse()

    assert (response.status, json.loads(response.read())["error"]["code"]) == (413, "body_too_large")
    connection.close()
    status, _, body = get(proxy, "/healthz", Cookie="x" * 50_000)
    assert (status, json.loads(body)["error"]["code"]) == (431, "validation_failed")


def test_no_refusal_of_the_proxy_can_be_framed_or_do_anything(proxy: int) -> None:
    refusals = {
        405: ask(http.client.HTTPConnection("127.0.0.1", proxy, timeout=10), "/", {}, "TRACE"),
        431: get(proxy, "/healthz", Cookie="x" * 50_000),
    }

    for status, (answered, headers, body) in refusals.items():
        assert (answered, headers["content-type"]) == (status, "application/json")
        assert "error" in json.loads(body)
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "strict-transport-security" not in headers


def test_one_address_has_its_share_of_connections(proxy: int) -> None:
    taken: list[socket.socket] = []

    def take() -> None:
        connection = socket.create_connection(("127.0.0.1", proxy), timeout=10)
        taken.append(connection)
        connection.sendall(b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n")

    def is_refused() -> bool:
        # One more each time: whoever has been answered already may still be counted, and take the place of one of ours.
        take()
        status, headers, body = get(proxy, "/healthz")
        return (status, headers.get("retry-after"), b"too_many_connections" in body) == (429, "1", True)

    try:
        for _ in range(80):
            take()
        assert get(proxy, "/healthz")[0] == 200
        wait_until(is_refused)
        assert len(taken) < 120
    finally:
        for connection in taken:
            connection.close()
    wait_until(lambda: get(proxy, "/healthz")[0] == 200)


def test_a_client_that_is_slow_with_its_headers_is_hung_up_on_and_keeps_nobody_waiting(proxy: int) -> None:
    slow = [socket.create_connection(("127.0.0.1", proxy), timeout=10) for _ in range(50)]
    try:
        for connection in slow:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")

        assert get(proxy, "/healthz")[0] == 200
        assert all(_is_hung_up_on(connection) for connection in slow)
    finally:
        for connection in slow:
            connection.close()


def _is_hung_up_on(connection: socket.socket) -> bool:
    """Waits for the end of the stream, or for a reset. Raises TimeoutError if neither comes."""
    try:
        while connection.recv(1024):
            pass
    except ConnectionResetError:
        return True
    return True


def test_a_service_that_is_away_is_told_in_the_one_shape() -> None:
    nobody = f"127.0.0.1:{free_port()}"
    with nginx(web=nobody, live=nobody) as (port, _):
        status, headers, body = get(port, "/api/scores/leaderboard")

    assert (status, json.loads(body)["error"]["code"]) == (503, "dependency_unavailable")
    assert headers["content-type"] == "application/json"
    assert int(headers["retry-after"]) >= 1


def test_what_was_sent_on_and_not_answered_is_told_from_what_was_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, ThreadPoolExecutor() as pool:
        ends = pool.submit(_take_requests_and_hang_up, deaf, 2)
        here, nobody = f"127.0.0.1:{deaf.getsockname()[1]}", f"127.0.0.1:{free_port()}"
        with nginx(web=here, live=here) as (port, _):
            said = [_code_of(port, "POST"), _code_of(port, "GET")]
            ends.result(10)
        with nginx(web=nobody, live=nobody) as (port, _):
            said.append(_code_of(port, "POST"))

    assert said == ["outcome_unknown", "dependency_unavailable", "dependency_unavailable"]


def _take_requests_and_hang_up(listener: socket.socket, count: int) -> None:
    for _ in range(count):
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)


def _code_of(port: int, method: str) -> str:
    """The code of a 503 that the proxy answers with."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with closing(connection):
        connection.request(method, "/api/auth/logout", body=b"" if method == "POST" else None)
        response = connection.getresponse()
        assert (response.status, response.getheader("Retry-After")) == (503, "1")
        return str(json.loads(response.read())["error"]["code"])


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"FOO\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET /" + b"x" * 50_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"x" * 50_000 + b"\r\n\r\n", 431),
    ],
    ids=["no request line", "a greeting of TLS", "a long address", "long header fields"],
)
def test_what_the_proxy_cannot_read_is_refused_in_the_one_shape(proxy: int, sent: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", proxy), timeout=10) as connection:
        connection.sendall(sent)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")

    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(body)["error"]["code"] == "validation_failed"
    assert re.search(rb"\r\nX-Request-ID: [0-9a-f]{32}\r\n", head)


@pytest.mark.parametrize(("given", "told"), [("request-0002", "request-0002"), ("no id", "[0-9a-f]{32}")])
def test_the_proxy_s_own_refusals_tell_the_id_that_the_client_gave(proxy: int, given: str, told: str) -> None:
    headers = {"X-Request-ID": given, "Content-Length": "3000000"}
    connection = http.client.HTTPConnection("127.0.0.1", proxy, timeout=10)
    status, answered, _ = ask(connection, "/api/scores/batch", headers, "POST")

    assert status == 413
    assert re.fullmatch(told, answered["x-request-id"])


@pytest.mark.parametrize(("accepted", "coding"), [("gzip", "gzip"), ("identity", None)])
def test_lists_are_compressed_for_whoever_takes_that_and_tokens_never(
    proxy: int, accepted: str, coding: str | None
) -> None:
    document = get(proxy, "/openapi.json", **{"Accept-Encoding": accepted})
    login = ask(
        http.client.HTTPConnection("127.0.0.1", proxy, timeout=10),
        "/api/auth/login",
        {"Accept-Encoding": accepted},
        "POST",
    )

    assert document[1].get("content-encoding") == coding
    assert "content-encoding" not in login[1]


def test_below_a_path_of_its_host_the_page_and_the_socket_work(stack: Stack) -> None:
    board = """
        location = /board { return 308 /board/; }
        location /board/ {
            proxy_pass http://web/;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $http_connection;
        }"""
    with another_web(stack, SCOREBOARD_ROOT_PATH="/board", SCOREBOARD_IP_LIMIT="1000/hour") as web:
        address = _address(web)
        with nginx(web=address, live=address, further=board) as (port, _):
            status, _, page = get(port, "/board/")
            found = re.findall(r'(?:href|src)="([^"#]+)"', page.decode())
            answers = {path: get(port, urljoin("/board/", path))[0] for path in found}
            _, _, document = get(port, "/board/openapi.json")
            with LiveClient(f"ws://127.0.0.1:{port}/board/ws/scoreboard") as viewer:
                message = viewer.receive()

    assert status == 200
    assert set(answers.values()) == {200}
    assert json.loads(document)["servers"] == [{"url": "/board"}]
    assert message
    assert message["type"] == "snapshot"


def test_browsers_are_sent_to_tls_and_told_to_stay_there_and_programs_are_refused(stack: Stack, web: Stack) -> None:
    tls_port = free_port()
    with nginx(web=_address(web), live=_address(stack), tls_port=tls_port) as (port, folder):
        trusting = ssl.create_default_context(cafile=str(folder / "tls_certificate"))
        connection = http.client.HTTPSConnection("127.0.0.1", tls_port, timeout=10, context=trusting)
        status, headers, _ = ask(connection, "/healthz", {})
        sent, to, _ = get(port, "/docs?x=1")
        nothing_here = get(port, "/refused/plain-program")
        program = ask(http.client.HTTPConnection("127.0.0.1", port, timeout=10), "/api/auth/login", {}, "POST")
        refused = ask(http.client.HTTPSConnection("127.0.0.1", tls_port, context=trusting), "/", {}, "TRACE")
        offers = {cipher: _is_spoken(tls_port, trusting, cipher) for cipher in ("ECDHE+AESGCM", "AES128-SHA")}

    assert status == 200
    assert offers == {"ECDHE+AESGCM": True, "AES128-SHA": False}
    assert refused[1]["strict-transport-security"] == headers["strict-transport-security"]
    assert program[1]["content-type"] == "application/json"
    assert to["x-content-type-options"] == program[1]["x-content-type-options"] == "nosniff"
    assert nothing_here[0] == 308
    assert re.fullmatch(r"max-age=\d+", headers["strict-transport-security"])
    assert (sent, to["location"]) == (308, "https://127.0.0.1/docs?x=1")
    assert (program[0], code_of(program)) == (403, "forbidden")


def _is_spoken(port: int, trusting: ssl.SSLContext, cipher: str) -> bool:
    """Whether the proxy speaks TLS 1.2 with this."""
    trusting.maximum_version = ssl.TLSVersion.TLSv1_2
    trusting.set_ciphers(cipher)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            trusting.wrap_socket(connection, server_hostname="127.0.0.1").close()
    except ssl.SSLError:
        return False
    return True
