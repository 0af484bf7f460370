"""`make bench`: the update path and the board, as ratios to an empty view of the same server in the same run."""

import argparse
import json
import secrets
import statistics
import time
from collections.abc import Callable

import requests
import websocket
from rich.console import Console
from rich.table import Table

from bench import load
from bench.load import Result
from common.core import settings as settings_module
from common.core.timestamps import format_instant, from_milliseconds
from common.domain import signing
from common.postgres import catalogue, migrate
from common.postgres import engine as database
from dev.harness.servers import Servers, running_servers
from dev.harness.stack import Stack, running_stack

CONNECTIONS = 32
PASSWORD = "correct horse"  # noqa: S105 - of players that live for one run
PLAYERS = 32


class Bench:
    """One running product and its players."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.port = int(stack.environment["SCOREBOARD_PORT"])
        self.logins = [self._register(f"bench-{secrets.token_hex(6)}") for _ in range(PLAYERS)]

    def healthz(self, count: int) -> Result:
        return load.run(self.port, [b"GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n"] * count, CONNECTIONS)

    def leaderboard(self, count: int) -> Result:
        request = b"GET /api/scores/leaderboard?limit=10 HTTP/1.1\r\nHost: bench\r\n\r\n"
        return load.run(self.port, [request] * count, CONNECTIONS)

    def updates(self, count: int) -> Result:
        """Send updates that wait for their 200, by when they are in PostgreSQL and on the board."""
        return load.run(self.port, self._claims(count), CONNECTIONS)

    def updates_accepted(self, count: int) -> Result:
        """Send updates that are answered 202 at once, and measure until all of them are applied."""
        claims = self._claims(count, "Prefer: respond-async\r\n")
        started = time.monotonic()
        result = load.run(self.port, claims, CONNECTIONS)
        client = self.stack.redis()
        while client.xlen("scores:inbox"):
            time.sleep(0.01)
        client.close()
        return result._replace(per_second=count / (time.monotonic() - started))

    def lone_updates(self, count: int) -> Result:
        """Send one update after the other from one client."""
        return load.run_alone(self.port, self._claims(count))

    def lone_updates_under_logins(self, count: int) -> Result:
        """Do the same while sixteen clients try passwords as fast as they are answered."""
        attempts = [self._attempt(f"nobody-{secrets.token_hex(8)}") for _ in range(20_000)]
        with load.meanwhile(self.port, attempts, 16):
            time.sleep(1)  # until the flood has come up
            return self.lone_updates(count)

    def seen(self, count: int) -> Result:
        """Measure from sending a lone update to the viewer's delta over the socket."""
        viewer = websocket.create_connection(f"{self.stack.live_url}?limit=100", timeout=10)
        viewer.recv()
        taken = []
        for claim in self._claims(count):
            time.sleep(0.12)  # an idle board: the last frame is more than a tick ago
            started = time.monotonic()
            load.run_alone(self.port, [claim])
            while json.loads(viewer.recv())["type"] != "delta":
                pass
            taken.append((time.monotonic() - started) * 1000)
        viewer.shutdown()  # type: ignore[no-untyped-call]  # websocket-client
        taken.sort()
        return Result(0.0, load.percentile(taken, 50), load.percentile(taken, 99), {})

    def _register(self, username: str) -> dict[str, str]:
        body = {"username": username, "password": PASSWORD}
        requests.post(f"{self.stack.url}/api/auth/register", json=body, timeout=30).raise_for_status()
        login = requests.post(f"{self.stack.url}/api/auth/login", json=body, timeout=30).json()
        return {"user": login["user"]["userId"], "token": login["accessToken"], "key": login["signingKey"]}

    def _claims(self, count: int, header: str = "") -> list[bytes]:
        return [self._claim(self.logins[n % PLAYERS], header) for n in range(count)]

    @staticmethod
    def _attempt(username: str) -> bytes:
        body = json.dumps({"username": username, "password": PASSWORD})
        return (
            "POST /api/auth/login HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    @staticmethod
    def _claim(login: dict[str, str], header: str) -> bytes:
        timestamp, key = format_instant(from_milliseconds(int(time.time() * 1000))), secrets.token_hex(12)
        text = signing.score_update_text(login["user"], "share", timestamp, key)
        claim = {
            "userId": login["user"],
            "actionId": "share",
            "timestamp": timestamp,
            "idempotencyKey": key,
            "signature": signing.sign(signing.from_base64url(login["key"]), text),
        }
        body = json.dumps(claim)
        return (
            f"POST /api/scores/update HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {login['token']}\r\n{header}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


def main() -> None:
    arguments = argparse.ArgumentParser(prog="make bench")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--requests", type=int, default=3000)
    given = arguments.parse_args()
    console = Console()
    with running_servers(fast=False) as servers:
        url = database_of(servers)
        with running_stack(servers, url, 0, SCOREBOARD_WEB_PROCESSES="2") as stack:
            bench = Bench(stack)
            kinds: dict[str, Callable[[], Result]] = {
                "empty view": lambda: bench.healthz(given.requests),
                "leaderboard, top 10": lambda: bench.leaderboard(given.requests),
                "update, waits for 200": lambda: bench.updates(given.requests),
                "update, 202, until applied": lambda: bench.updates_accepted(given.requests),
                "update, alone": lambda: bench.lone_updates(200),
                "update, alone, in a flood of logins": lambda: bench.lone_updates_under_logins(200),
                "seen by a viewer": lambda: bench.seen(20),
            }
            results: dict[str, list[Result]] = {name: [] for name in kinds}
            for number in range(given.rounds):
                for name, measure in kinds.items():
                    console.print(f"round {number + 1} of {given.rounds}: {name}")
                    results[name].append(measure())
    console.print(_table(results))


def database_of(servers: Servers) -> str:
    url = servers.create_database("bench")
    environment = {
        "DATABASE_URL": url,
        "REDIS_URL": servers.redis_url(0),
        "SCOREBOARD_JWT_SECRET": secrets.token_urlsafe(32),
        "SCOREBOARD_SECRET_KEY": secrets.token_urlsafe(32),
    }
    engine = database.create(settings_module.load(environment), pool_size=1, statement_timeout_ms=60_000)
    migrate.upgrade(engine)
    with engine.begin() as connection:
        catalogue.load_defaults(connection)
    engine.dispose()
    return url


def _table(results: dict[str, list[Result]]) -> Table:
    """Return a table of medians over the rounds, each rate also as a ratio to that of the empty view."""
    table = Table("what", "per second", "ratio", "p50 ms", "p99 ms", "answers")
    floor = statistics.median(result.per_second for result in results["empty view"])
    for name, rounds in results.items():
        rate = statistics.median(result.per_second for result in rounds)
        p50, p99 = (statistics.median(getattr(result, field) for result in rounds) for field in ("p50", "p99"))
        statuses = " ".join(f"{status}:{count}" for status, count in sorted(rounds[-1].statuses.items()))
        shown = (f"{rate:,.0f}", f"{rate / floor:.2f}") if rate else ("", "")
        table.add_row(name, *shown, f"{p50:.1f}", f"{p99:.1f}", statuses)
    return table


if __name__ == "__main__":
    main()
