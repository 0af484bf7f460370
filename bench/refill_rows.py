"""A large board that Redis has lost: after how long it is served again while nobody asks, and while many do."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from bench import claims, http_rows
from bench.http_rows import LEADERBOARD, Rows
from bench.place import CONNECTIONS, Place
from bench.rows import Round
from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.redis_store.keys import BoardKeys
from common.services.rebuild import Rebuilder
from dev.harness.waiting import wait_until

PLAYERS = 300_000
LOAD_SECONDS = 60.0
"""How long they ask: it must be served again before they go."""

_AT_THE_LATEST_SECONDS = 180.0


def rows(place: Place) -> Rows:
    """Return the rows; each says in how many seconds the board was served again."""
    longer = replace(place, meter=replace(place.meter, seconds=LOAD_SECONDS))
    top = [claims.get(f"{LEADERBOARD}?limit=10")]
    loads: dict[str, Callable[[], Round]] = {
        "nobody asks": Round,
        "top 10 is read": lambda: longer.meter.closed(top, CONNECTIONS, [200, 503], cycles=True),
        "updates come, 202": partial(http_rows.updates_of, longer),
    }
    return {f"{PLAYERS:,} players again, {name}": partial(_refilled, place, load) for name, load in loads.items()}


def _refilled(place: Place, load: Callable[[], Round]) -> Round:
    """Lose the board under this load, and measure until it is served again."""
    with ThreadPoolExecutor(1) as threads:
        place.product.redis.unlink(BoardKeys(DEFAULT_BOARD, ALL_TIME).meta)
        served = threads.submit(_seconds_until_served, place)
        found = load()
        is_late = bool(found.generator) and not served.done()
        seconds = served.result()
    problem = f"not served again while they asked, but after {seconds:.0f} s" if is_late else found.problem
    return replace(found, note=f"served again after {seconds:.0f} s", problem=problem)


def _seconds_until_served(place: Place) -> float:
    rebuilder = Rebuilder(place.product.redis, place.product.engine)
    started = time.monotonic()
    wait_until(lambda: rebuilder.is_served(DEFAULT_BOARD, ALL_TIME), _AT_THE_LATEST_SECONDS)
    return time.monotonic() - started
