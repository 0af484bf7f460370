"""The running product through its front door: web, worker and beat as processes, over real sockets."""

import json
import math
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any

import pytest
import requests
import websocket

from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from tests.caller import Caller
from tests.player import PASSWORD


@pytest.fixture
def caller(stack: Stack) -> Caller:
    return Caller(stack, f"player-{secrets.token_hex(4)}")


@contextmanager
def viewing(url: str) -> Iterator[websocket.WebSocket]:
    """A viewer whose socket is closed in the end, whatever became of the connection."""
    viewer = websocket.create_connection(url, timeout=10)
    try:
        yield viewer
    finally:
        viewer.shutdown()  # type: ignore[no-untyped-call]  # websocket-client


def lines(stack: Stack, name: str) -> list[dict[str, Any]]:
    """The JSON lines of a program's log."""
    return [json.loads(line) for line in stack.log(name).splitlines() if line.startswith("{")]


def test_an_update_over_http_is_answered_and_seen_by_a_viewer_within_a_second(stack: Stack, caller: Caller) -> None:
    with viewing(f"{stack.live_url}?limit=100") as viewer:
        assert json.loads(viewer.recv())["type"] == "snapshot"
        waits = []
        for _ in range(3):  # a busy machine makes one of them late
            started = time.monotonic()
            answer = caller.update("win-match")
            assert answer.status_code == 200
            message = json.loads(viewer.recv())
            waits.append(time.monotonic() - started)
            assert message["type"] == "delta"
            assert answer.json()["entry"] in message["entries"]
    assert min(waits) < 1


def test_the_request_id_goes_from_the_request_to_the_workers_line(stack: Stack, caller: Caller) -> None:
    request_id = f"trace-{secrets.token_hex(8)}"
    assert caller.update(**{"X-Request-ID": request_id}).headers["X-Request-ID"] == request_id
    wait_until(lambda: request_id in stack.log("worker"))
    (applied,) = [line for line in lines(stack, "worker") if line.get("request_id") == request_id]
    assert (applied["event"], applied["user_id"], applied["points"]) == ("update_applied", caller.user_id, 25)
    wait_until(lambda: any(line.get("request_id") == request_id for line in lines(stack, "web")))


def test_every_line_of_our_processes_is_json(stack: Stack, caller: Caller) -> None:
    caller.update()
    wait_until(lambda: bool(stack.log("web")))
    assert all(line.startswith("{") for line in stack.log("web").splitlines())


def test_no_secret_of_a_user_or_the_server_is_in_any_log(stack: Stack, caller: Caller) -> None:
    caller.update()
    canaries = [PASSWORD, *(caller.login[name] for name in ("accessToken", "refreshToken", "signingKey"))]
    canaries += [stack.environment["SCOREBOARD_JWT_SECRET"], stack.environment["SCOREBOARD_SECRET_KEY"]]
    logs = "".join(stack.log(name) for name in ("web", "worker", "beat"))
    assert [canary for canary in canaries if canary in logs] == []


@pytest.mark.parametrize(
    "name",
    [
        'scoreboard_response_seconds_bucket{le="+Inf",method="GET",route="/api/scores/leaderboard",status="200"}',
        'scoreboard_cache_reads_total{cache="board",result="hit"}',
        'scoreboard_cache_reads_total{cache="user_details",result="miss"}',
        'scoreboard_errors_total{code="not_found"}',
        "scoreboard_batch_size_count",
        'scoreboard_updates_total{outcome="applied"}',
        'scoreboard_loop_success_timestamp_seconds{loop="revocations"}',
    ],
)
def test_the_internal_port_counts(stack: Stack, caller: Caller, name: str) -> None:
    caller.update()
    requests.get(f"{stack.url}/api/scores/leaderboard", timeout=10)
    requests.get(f"{stack.url}/api/nowhere", timeout=10)
    wait_until(lambda: shown_as(stack, name) > 0)


def test_the_internal_port_shows_who_watches_and_what_waits(stack: Stack) -> None:
    with viewing(stack.live_url):
        wait_until(lambda: shown_as(stack, "scoreboard_websocket_connections") == 1)
    wait_until(lambda: shown_as(stack, "scoreboard_websocket_connections") == 0)
    wait_until(lambda: shown_as(stack, "scoreboard_inbox_depth") == 0)


def shown_as(stack: Stack, series: str) -> float:
    """The value of a series at /metrics; not a number while there is none."""
    lines = requests.get(stack.metrics_url, timeout=10).text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{series} ")), math.nan)


def test_what_has_never_been_counted_is_shown_as_zero(stack: Stack) -> None:
    shown = requests.get(stack.metrics_url, timeout=10).text

    assert 'scoreboard_rate_limit_violations_total{limit="batch"} 0.0' in shown
    assert 'scoreboard_errors_total{code="board_closed"} 0.0' in shown


def test_a_worker_of_its_own_shows_its_metrics_too(stack: Stack, caller: Caller) -> None:
    caller.update()
    url = f"http://127.0.0.1:{stack.environment['SCOREBOARD_WORKER_METRICS_PORT']}/metrics"
    assert "scoreboard_batch_size_count" in requests.get(url, timeout=10).text


def test_the_internal_port_has_nothing_else_and_the_public_one_no_metrics(stack: Stack) -> None:
    assert requests.get(stack.metrics_url.replace("/metrics", "/"), timeout=10).status_code == 404
    assert requests.get(f"{stack.url}/metrics", timeout=10).status_code == 404


@pytest.mark.parametrize("values", [["Bearer " + 30_000 * "a"], ["Bearer a", "Bearer b"]])
def test_a_token_too_long_or_one_of_two_is_refused_like_any_other(stack: Stack, values: list[str]) -> None:
    connection = HTTPConnection(stack.url.removeprefix("http://"), timeout=10)
    with closing(connection):
        connection.putrequest("POST", "/api/auth/ticket")
        for value in values:
            connection.putheader("Authorization", value)
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["error"]["code"]) == (401, "token_invalid")


def test_without_a_trusted_proxy_a_client_on_this_machine_cannot_say_that_it_is_tls(stack: Stack) -> None:
    answer = requests.get(f"{stack.url}/healthz", headers={"X-Forwarded-Proto": "https"}, timeout=10)
    assert "Strict-Transport-Security" not in answer.headers


def test_a_flushall_while_running_is_healed_within_ten_seconds(stack: Stack, caller: Caller) -> None:
    before = caller.update().json()["entry"]["score"]
    client = stack.redis()
    client.flushall()
    wait_until(lambda: bool(client.exists("leaderboard:scores")), 10)
    wait_until(lambda: caller.update().status_code == 200, 10)
    shown = requests.get(f"{stack.url}/api/scores/user/{caller.user_id}", timeout=10).json()
    assert shown["score"] >= before + 25
    client.close()


def test_updates_accepted_without_a_worker_are_applied_when_one_is_back(stack: Stack, caller: Caller) -> None:
    stack.stop("worker", signal.SIGKILL)
    statuses = {caller.update(Prefer="respond-async").status_code for _ in range(20)}
    assert statuses == {202}
    stack.start("worker")

    def score() -> int:
        shown = requests.get(f"{stack.url}/api/scores/user/{caller.user_id}", timeout=10)
        return int(shown.json()["score"])

    wait_until(lambda: score() == 500, 30)


def test_a_web_process_that_is_asked_to_stop_sends_viewers_away_to_come_back(stack: Stack) -> None:
    with viewing(stack.live_url) as viewer:
        viewer.recv()
        started = time.monotonic()
        assert stack.stop("web") == 0
        assert time.monotonic() - started < 6
        opcode, payload = viewer.recv_data()
    assert (opcode, int.from_bytes(payload[:2], "big")) == (websocket.ABNF.OPCODE_CLOSE, 1012)
    stack.start("web")
    stack.wait_until_ready()
