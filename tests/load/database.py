"""The database: walks through boards of ten thousand players and more, old periods, and reads beside rebuilds.

The board of all time is filled again and again meanwhile (`runs.py`), so that its pages come from Redis and from
PostgreSQL in turn. A read that has to wait for too many others may be told so, by 503 `rebuilding` with a time to wait.
"""

import os
import random
from typing import Any

import gevent
from locust import FastHttpUser, task

from common.contract.constants import ALL_TIME
from dev.harness.many import PERIODS_OF_LONG_AGO, id_of
from tests.load import variables
from tests.load.player import LoadPlayer
from tests.load.told import told

LIST = "/api/scores/leaderboard"
PLAYERS = int(os.environ[variables.PLAYERS])
PAGE = 100


class Walkers(FastHttpUser):
    """Read whole boards page by page, and places in the middle of them."""

    def on_start(self) -> None:
        """Begin with no walk."""
        self._walk: Walk | None = None

    @task(10)
    def walk(self) -> None:
        """Go on by one page, or begin with the first."""
        walk = self._walk or Walk(random.choice([ALL_TIME, *PERIODS_OF_LONG_AGO]))
        page = self._read(walk.query, f"page, {'all time' if walk.period == ALL_TIME else 'old period'}")
        if page is not None:
            self._walk = walk.after(page)

    @task(3)
    def look_around(self) -> None:
        """Find somebody in the middle."""
        user_id = id_of(random.randint(1, PLAYERS))
        page = self._read(f"around={user_id}&limit=11", "around")
        if page is not None:
            told.expect(
                user_id in [entry["userId"] for entry in page["entries"]], f"{user_id} is not around themselves"
            )

    @task(1)
    def look_up(self) -> None:
        """Read one player, whose score is known."""
        number = random.randint(1, PLAYERS)
        answer = self.client.get(f"/api/scores/user/{id_of(number)}", name="user")
        if answer.status_code == 200:
            told.expect(answer.json()["score"] == 1, f"{answer.text} has 1 point")
        else:
            _check_refusal(answer)

    @task(1)
    def list_snapshots(self) -> None:
        """Read which snapshots of the past there are."""
        answer = self.client.get("/api/scores/snapshots?limit=20", name="snapshots")
        told.expect(answer.status_code == 200, f"snapshots: {answer.status_code} {answer.text}")

    def _read(self, query: str, name: str) -> dict[str, Any] | None:
        with self.client.get(f"{LIST}?{query}", name=name, catch_response=True) as answer:
            if answer.status_code != 200:
                answer.success()
                _check_refusal(answer)
                return None
            page: dict[str, Any] = answer.json()
        told.counted[f"pages from {'PostgreSQL' if page['version'].startswith('database:') else 'Redis'}"] += 1
        return page


class Movers(LoadPlayer):
    """One player who moves on the board that is read and filled."""

    fixed_count = 1

    @task
    def move(self) -> None:
        """Score."""
        self.update(self.claim())
        gevent.sleep(0.05)


class Walk:
    """A walk from the first row of a board to its last. Nobody may be met twice, and nobody who stays missed."""

    def __init__(self, period: str) -> None:
        self.period = period
        self.query = f"period={period}&limit={PAGE}"
        self._met: set[str] = set()
        self._last_rank = 0

    def after(self, page: dict[str, Any]) -> "Walk | None":
        """Take in a page. Returns None at the end of the board, where the account of the walk is made."""
        ranks = [entry["rank"] for entry in page["entries"]]
        met = {entry["userId"] for entry in page["entries"]}
        told.expect(ranks == sorted(set(ranks)), f"a page has the ranks {ranks}")
        told.expect(min(ranks, default=PLAYERS) > self._last_rank, f"{ranks} came after {self._last_rank}")
        told.expect(not met & self._met, f"met twice: {met & self._met}")
        self._met |= met
        self._last_rank = max(ranks, default=self._last_rank)
        if page["nextCursor"]:
            self.query = f"period={self.period}&limit={PAGE}&cursor={page['nextCursor']}"
            return self
        missed = PLAYERS - len(self._met & _EVERYBODY)
        told.expect(missed == 0, f"{missed} of {PLAYERS} were missed on the board of {self.period}")
        told.counted["whole boards"] += 1
        return None


_EVERYBODY = {id_of(number) for number in range(1, PLAYERS + 1)}


def _check_refusal(answer: Any) -> None:  # noqa: ANN401 - locust's answer has no types
    is_busy = answer.status_code == 503 and answer.json()["error"]["code"] == "rebuilding"
    told.expect(is_busy and int(answer.headers["Retry-After"]) >= 1, f"{answer.status_code}: {answer.text}")
    told.counted["asked to wait"] += 1
    gevent.sleep(1)
