"""The rows that are measured through the front door of one running product, by group."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus

import requests

from bench import claims, generator, viewer
from bench.generator import Driver, result_of
from bench.place import CONNECTIONS, Place
from bench.rows import Round, problem_of

Rows = Mapping[str, Callable[[], Round]]

MANY_CONNECTIONS = 64
PACE = 500.0
LONE_UPDATES = 150
BATCH_CONNECTIONS = 4
BESIDE_CONNECTIONS = 16
MOST_PER_SECOND = 9_000
"""So many fresh claims are prepared for each second; a load that uses them up ends earlier."""

MOST_BATCHED_PER_SECOND = 20_000
LEADERBOARD = "/api/scores/leaderboard"


def updates(place: Place) -> Rows:
    """Return the rows of single updates, as many as are taken."""
    return {
        f"update, {status}, {connections} connections": partial(updates_of, place, status, connections)
        for status in (202, 200)
        for connections in (CONNECTIONS, MANY_CONNECTIONS)
    }


def waiting(place: Place) -> Rows:
    """Return the rows of updates that somebody waits for, on a product that is not at its limit."""
    return {
        "update, 200, alone": lambda: place.meter.alone(claims.updates(place.players, LONE_UPDATES, waits=True), [200]),
        "update, 200, 500 a second": lambda: place.meter.paced(
            claims.updates(place.players, round(PACE * place.meter.seconds), waits=True),
            PACE,
            MANY_CONNECTIONS,
            [200],
        ),
    }


def updates_of(
    place: Place, status: int = HTTPStatus.ACCEPTED, connections: int = CONNECTIONS, action: str = claims.ACTION
) -> Round:
    """Measure updates that are answered with this status, until all of them are applied."""
    count = round(MOST_PER_SECOND * place.meter.seconds)
    prepared = claims.updates(place.players, count, waits=status == HTTPStatus.OK, action=action)
    return place.meter.closed(prepared, connections, [status], until_applied=True)


def batches(place: Place) -> Rows:
    """Return the rows of batches; a rate is that of the updates inside, until all are applied."""
    return {f"updates in batches of {size:,}": partial(_batches, place, size) for size in (100, 1_000)}


def reads(place: Place) -> Rows:
    """Return the rows of reads from a board that rests."""
    return {name: partial(_read, place, make, [status]) for name, (make, status) in _READS.items()}


def busy_reads(place: Place) -> Rows:
    """Return the same rows while 500 updates a second are accepted and applied; some 304 are a 200 then."""
    return {
        f"{name}, beside {PACE:.0f} updates a second": partial(_beside_updates, place, make, [status, 200])
        for name, (make, status) in _READS.items()
    }


def live(place: Place) -> Rows:
    """Return the rows from an update to its frame at a viewer."""
    return {
        f"update to viewer, {rate:,} a second": partial(viewer.measure, place, rate, place.meter.seconds)
        for rate in (10, 500, 2_000)
    }


def few(place: Place, when: str) -> Rows:
    """Return an update and three reads, for comparisons between products that differ in one thing."""
    reads = {f"{name}, {when}": partial(_read, place, make, [200]) for name, make in _PLAIN_READS.items()}
    return {f"update, 202, {when}": partial(updates_of, place), **reads}


def _batches(place: Place, size: int) -> Round:
    users = [player.user_id for player in place.players]
    count = max(BATCH_CONNECTIONS, round(MOST_BATCHED_PER_SECOND * place.meter.seconds / size))
    prepared = claims.batches(place.server, users, count, size)
    return place.meter.closed(prepared, BATCH_CONNECTIONS, [202], until_applied=True, updates_each=size)


def _top(place: Place) -> bytes:
    del place
    return claims.get(f"{LEADERBOARD}?limit=10")


def _top_again(place: Place) -> bytes:
    tag = requests.get(f"{place.product.url}{LEADERBOARD}?limit=10", timeout=10).headers["ETag"]
    return claims.get(f"{LEADERBOARD}?limit=10", f"If-None-Match: {tag}")


def _around(place: Place) -> bytes:
    return claims.get(f"{LEADERBOARD}?limit=10&around={place.middle}")


def _user(place: Place) -> bytes:
    return claims.get(f"/api/scores/user/{place.middle}")


_READS: Mapping[str, tuple[Callable[[Place], bytes], int]] = {
    "top 10": (_top, 200),
    "top 10, 304": (_top_again, 304),
    "around": (_around, 200),
    "user": (_user, 200),
}
"""How each read is asked for, and its status."""


_PLAIN_READS = {name: make for name, (make, status) in _READS.items() if status == HTTPStatus.OK}


def _read(place: Place, make: Callable[[Place], bytes], expected: Sequence[int]) -> Round:
    return place.meter.closed([make(place)], CONNECTIONS, expected, cycles=True)


def _beside_updates(place: Place, make: Callable[[Place], bytes], expected: Sequence[int]) -> Round:
    prepared = claims.updates(place.players, round(PACE * (place.meter.seconds + 1)), waits=False)
    updates = Driver(generator.paced(place.product.port, prepared, BESIDE_CONNECTIONS, PACE))
    found = _read(place, make, expected)
    beside = result_of(updates.finish())
    place.product.wait_until_applied()
    return replace(found, problem=found.problem or problem_of(beside.statuses, [202], beside.failures))
