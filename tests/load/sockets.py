"""Socket limits: each address gets as many viewers as it may have, the next is told 429, and places come back.

Every turn has an address of its own on the loopback interface (`127.1.0.1` and so on, as Linux gives them to anybody).
"""

import itertools
import json
import os
import socket
import time
from http import HTTPStatus

import gevent
import websocket
from locust import task

from tests.live_client import NotInOrderError, Screen
from tests.load.player import LoadPlayer
from tests.load.told import told

PER_ADDRESS = int(os.environ.get("SCOREBOARD_LIVE_PER_IP") or 20)
TOO_MANY = 5
"""How many more than it may an address asks for."""

FRAMES = 5
PATIENCE_SECONDS = 15.0
_BETWEEN_MOVES_SECONDS = 0.05
POLICY = 1008

_numbers = itertools.count(1)


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """The answer to a handshake that was not let in."""

    def __init__(self, answer: websocket.WebSocketBadStatusException) -> None:
        super().__init__(answer.status_code)
        self.status = answer.status_code
        headers = answer.resp_headers or {}
        self.retry_after = int(headers.get("retry-after", 0))
        self.code = json.loads(answer.resp_body or b"{}").get("error", {}).get("code")


class Viewer:
    """A connection to the live socket that checks every frame against the one before it."""

    def __init__(self, host: str, address: str, query: str = "") -> None:
        server, port = host.removeprefix("http://").split(":")
        one = socket.create_connection((server, int(port)), timeout=PATIENCE_SECONDS, source_address=(address, 0))
        try:
            url = f"ws://{server}:{port}/ws/scoreboard?limit=10{query}"
            self._socket = websocket.create_connection(url, socket=one, timeout=PATIENCE_SECONDS, suppress_origin=True)
        except websocket.WebSocketBadStatusException as error:
            one.close()
            raise Refused(error) from None
        self.screen = Screen()

    def receive(self) -> str:
        """Take in the next message and return its type; for a close frame, its code."""
        opcode, data = self._socket.recv_data(control_frame=True)
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            return str(int.from_bytes(data[:2], "big"))
        if opcode != websocket.ABNF.OPCODE_TEXT:
            return "control"
        message = json.loads(data)
        self.screen.show(message)
        return str(message["type"])

    def wait_for(self, kind: str) -> None:
        """Read until a message of this type comes."""
        while self.receive() != kind:
            pass

    def hang_up(self) -> None:
        """Leave without a goodbye."""
        self._socket.shutdown()  # type: ignore[no-untyped-call]  # websocket-client


class Crowds(LoadPlayer):
    """An address that asks for more viewers than it may have, and a player who moves on the board."""

    @task
    def fill_an_address(self) -> None:
        """Ask for too many at once, watch with those that are let in, and come back after one has left."""
        address = _fresh_address()
        with self.environment.events.request.measure("WS", "fill an address"):
            inside, refused = self._ask(address, PER_ADDRESS + TOO_MANY)
        try:
            told.expect(len(inside) == PER_ADDRESS, f"{len(inside)} viewers of one address were let in")
            for answer in refused:
                _expect_refusal(answer, HTTPStatus.TOO_MANY_REQUESTS, "too_many_connections")
            told.counted["refused viewers"] += len(refused)
            with self.environment.events.request.measure("WS", f"{FRAMES} frames to {PER_ADDRESS} viewers"):
                self._show_frames(inside)
            inside.pop().hang_up()
            with self.environment.events.request.measure("WS", "a place comes back"):
                inside.append(self._come_back(address))
            told.counted["places that came back"] += 1
        finally:
            for viewer in inside:
                viewer.hang_up()

    def _ask(self, address: str, count: int) -> tuple[list[Viewer], list[Refused]]:
        asking = [gevent.spawn(_let_in_or_not, str(self.host), address) for _ in range(count)]
        gevent.joinall(asking, raise_error=True)
        answers = [one.value for one in asking]
        viewers = [answer for answer in answers if isinstance(answer, Viewer)]
        return viewers, [answer for answer in answers if isinstance(answer, Refused)]

    def _show_frames(self, viewers: list[Viewer]) -> None:
        """Score until everybody has seen enough of it."""
        watching = [gevent.spawn(_watch, viewer) for viewer in viewers]
        while not all(one.ready() for one in watching):
            self.update(self.claim())
            gevent.sleep(_BETWEEN_MOVES_SECONDS)

    def _come_back(self, address: str) -> Viewer:
        """Ask until the server has noticed that somebody left."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = _let_in_or_not(str(self.host), address)
            if isinstance(answer, Viewer):
                return answer
            if time.monotonic() > deadline:
                raise answer
            gevent.sleep(0.05)


class Followers(LoadPlayer):
    """A player who watches with a ticket."""

    @task
    def follow(self) -> None:
        """Use a ticket twice at once, be told the own place, and log out."""
        ticket = self.client.post("/api/auth/ticket", headers=self.headers).json()["ticket"]
        address = _fresh_address()
        asking = [gevent.spawn(_let_in_or_not, str(self.host), address, f"&ticket={ticket}") for _ in range(2)]
        gevent.joinall(asking, raise_error=True)
        inside = [one.value for one in asking if isinstance(one.value, Viewer)]
        try:
            told.expect(len(inside) == 1, f"one ticket let {len(inside)} viewers in")
            for answer in (one.value for one in asking if isinstance(one.value, Refused)):
                _expect_refusal(answer, HTTPStatus.UNAUTHORIZED, "token_invalid", waits=False)
            with self.environment.events.request.measure("WS", "own place"):
                inside[0].wait_for("me")
            self.client.post("/api/auth/logout", headers=self.headers)
            with self.environment.events.request.measure("WS", "ended by logout"):
                inside[0].wait_for(str(POLICY))
            told.counted["ended by logout"] += 1
        finally:
            for viewer in inside:
                viewer.hang_up()
        self.on_start()


def _fresh_address() -> str:
    number = next(_numbers)
    return f"127.1.{number // 250}.{1 + number % 250}"


def _let_in_or_not(host: str, address: str, query: str = "") -> Viewer | Refused:
    try:
        return Viewer(host, address, query)
    except Refused as answer:
        return answer


def _expect_refusal(answer: Refused, status: int, code: str, *, waits: bool = True) -> None:
    said = (answer.status, answer.code)
    told.expect(said == (status, code), f"a viewer was refused with {said}, not {(status, code)}")
    told.expect(answer.retry_after >= 1 or not waits, f"{said} without a time to wait")


def _watch(viewer: Viewer) -> None:
    try:
        for _ in range(FRAMES):
            told.expect(viewer.receive() in ("snapshot", "delta", "control"), "a viewer was sent something else")
    except NotInOrderError as error:
        told.broken.append(f"a chain is broken: {error}")
    else:
        told.counted["viewers with whole chains"] += 1
