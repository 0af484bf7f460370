"""Players by the dozen, and points of other days: put where the product would have put them, and counted by it."""

import html
import os
import re
import secrets
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg2
import requests

from common.redis_store import keys
from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from tests import inbox
from tests.browser.board_page import Row
from tests.caller import Caller
from web.pages.home import RENDERED_EVERY_SECONDS

ACHIEVEMENTS = (
    ("two-wins", "--title", "Two wins", "--icon", "trophy", "--action", "win-match", "--goal", "2"),
    ("under-cover", "--title", "Under cover", "--secret", "--goal", "1"),
    ("w" * 64, "--title", "W" * 60, "--description", "W" * 200, "--board", "main", "--reach", "1000000"),
)


def add_players(stack: Stack, names: Iterable[str]) -> dict[str, str]:
    """Accounts of these names, which the service itself would not all let in, and their ids."""
    ids = {name: str(uuid.uuid4()) for name in names}
    rows = [(user_id, name, name.lower()) for name, user_id in ids.items()]
    with closing(psycopg2.connect(stack.environment["DATABASE_URL"])) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO users (id, username, username_key, password_hash, role) VALUES (%s, %s, %s, '-', 'player')",
            rows,
        )
        connection.commit()
    return ids


def add_board_of_players(stack: Stack) -> str:
    """A board that only players may see, whose id is returned when the web knows it."""
    board_id = f"club-{secrets.token_hex(4)}"
    command = [sys.executable, "-m", "scoreboard", "boards", "create", board_id, "--visibility", "players"]
    subprocess.run(command, env={**os.environ, **stack.environment}, check=True, capture_output=True)
    wait_until(lambda: requests.get(f"{stack.url}/b/{board_id}", timeout=10).ok)
    return board_id


def set_achievements(stack: Stack) -> None:
    """Three achievements, which the web knows: one with steps, a secret one, and one of the longest words."""
    for definition in ACHIEVEMENTS:
        command = [sys.executable, "-m", "scoreboard", "achievements", "set", *definition]
        subprocess.run(command, env={**os.environ, **stack.environment}, check=True, capture_output=True)
    address = f"{stack.url}/api/achievements"
    wait_until(lambda: len(requests.get(address, timeout=10).json()["achievements"]) == len(ACHIEVEMENTS))
    wait_until(lambda: 'data-part="shelf"' in requests.get(stack.url, timeout=10).text)


def lead_by_then(stack: Stack, name: str, accepted_at: datetime) -> None:
    """A player of this name who leads by what was accepted at that instant."""
    user_id = add_players(stack, [name])[name]
    best = int(listed(stack)[0][2].replace(",", ""))
    for _ in range(best // 100 + 1):
        score(stack, user_id, "win-tournament", accepted_at)
    wait_until_counted(stack)


def score(stack: Stack, user_id: str, action_id: str, accepted_at: datetime | None = None) -> None:
    """An update of now, or of another time, which the worker counts at its next sweep."""
    with closing(stack.redis()) as client:
        inbox.put(client, user_id, accepted_at or datetime.now(UTC), action_id)


def listed(stack: Stack, period: str = "all") -> list[Row]:
    """The list as the API gives it, in the words of the page."""
    address = f"{stack.url}/api/scores/leaderboard"
    entries = requests.get(address, params={"period": period}, timeout=10).json()["entries"]
    return [
        (f"{each['rank']:,}", each.get("displayName") or each["username"], f"{each['score']:,}") for each in entries
    ]


def wait_until_rendered(stack: Stack, period: str = "all") -> None:
    """Wait until every process renders the list as it is now: a page that one has rendered is served for a second."""
    seen, since = listed(stack, period), time.monotonic()

    def is_rendered() -> bool:
        nonlocal seen, since
        if (now := listed(stack, period)) != seen:
            seen, since = now, time.monotonic()
        rests = time.monotonic() - since > RENDERED_EVERY_SECONDS + 0.2
        return rests and _rendered(stack, period) == [(name, points) for _, name, points in now]

    wait_until(is_rendered)


def _rendered(stack: Stack, period: str) -> list[tuple[str, str]]:
    page = requests.get(stack.url, params={"period": period}, timeout=10).text
    names = map(html.unescape, re.findall(r'data-field="username">([^<]+)<', page))
    return list(zip(names, re.findall(r'data-field="score">([^<]+)<', page), strict=True))


def wait_until_counted(stack: Stack) -> None:
    """Wait until nothing is left in the inbox."""
    with closing(stack.redis()) as client:
        wait_until(lambda: client.xlen(keys.INBOX) == 0)


def rank_of(caller: Caller, period: str = "all") -> str:
    """Where a player stands, in the words of the page."""
    address = f"{caller.url}/api/scores/user/{caller.user_id}"
    return f"{requests.get(address, params={'period': period}, timeout=10).json()['rank']:,}"


def newcomer(stack: Stack, name: str) -> Caller:
    """A player of their own for a test; those of other tests are on the same board."""
    return Caller(stack, f"{name}-{secrets.token_hex(4)}")


def lead(caller: Caller) -> None:
    """Score until nobody is ahead."""
    while caller.update("win-tournament").json()["entry"]["rank"] > 1:
        pass


class Rivals(NamedTuple):
    """Two players at the top. `second` passes `first` with their next `win-tournament`."""

    first: Caller
    second: Caller

    def line_up(self) -> None:
        lead(self.second)
        lead(self.first)
        self.second.update("win-match")
