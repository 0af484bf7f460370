"""Updates while the chores are quiet, and beside a chore of a minute: slow work must not delay scoring.

The programs are those of the harness, since the worker of the chores is another one (`bench/long_chore.py`). All of
them and PostgreSQL share the machine, so a chore that never rests takes processor time from everybody, and on two cores
that is what is left to see.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import psutil
from celery import Celery

from bench import claims, long_chore, players, settled
from bench.floor import running_floor
from bench.http_rows import MANY_CONNECTIONS, PACE, Rows
from bench.meter import Meter
from bench.own_database import engine_of, environment_of
from bench.place import PLAYERS, Place, rebuild
from bench.product import LIMITS, Product
from bench.rows import Round
from common.core import task_names
from common.postgres import catalogue
from dev.harness.many import add_many
from dev.harness.servers import Servers, running_servers
from dev.harness.stack import Stack, Variant, running_stack
from dev.harness.waiting import wait_until

CHORE_SECONDS = 60.0
OTHERS = 100_000
"""The players on the board that the chore sorts again and again."""

_BEGINS_WITHIN_SECONDS = 15.0


@dataclass
class StackProduct(Product):
    """The product as programs of the harness. Its worker of the chores knows the long one."""

    stack: Stack
    servers: Servers

    def kinds(self) -> dict[str, psutil.Process]:
        """Return the first process of each kind."""
        programs = {name: process.pid for name, process in self.stack.processes.items()}
        own = {"postgres": self.servers.postgres.pid, "redis": self.servers.valkey.pid}
        return {name: psutil.Process(number) for name, number in {**programs, **own}.items()}

    def begin_long_chore(self, seconds: float) -> None:
        """Give the worker of the chores a task that takes so long, and wait until it has begun."""
        sender = Celery("bench", broker=self.settings.celery_broker_url, set_as_current=False)
        sender.send_task(long_chore.NAME, args=[seconds], queue=task_names.QUEUE_CHORES, ignore_result=True)
        sender.close()
        wait_until(self.has_long_chore, _BEGINS_WITHIN_SECONDS)

    def has_long_chore(self) -> bool:
        """Return whether the long chore is under way."""
        return bool(self.redis.exists(long_chore.RUNNING))

    def chores_waiting(self) -> int:
        """Return how many chores wait for their turn."""
        return int(self.redis.llen(task_names.QUEUE_CHORES))


def rows(place: Place, seconds: float = CHORE_SECONDS) -> Rows:
    """Return the rows; the load of the second lasts almost as long as the chore, and begins and ends within it."""
    name = f"update, 200, {PACE:.0f} a second"
    return {
        f"{name}, chores quiet": partial(_updates, place, seconds / 3),
        f"{name}, beside a chore of {seconds:.0f} s": partial(_beside_chore, place, seconds),
    }


def _beside_chore(place: Place, seconds: float) -> Round:
    product = place.product
    if not isinstance(product, StackProduct):
        raise TypeError("the product has no long chore")
    product.begin_long_chore(seconds)
    found = _updates(place, seconds * 0.9)
    lasted, waiting = product.has_long_chore(), product.chores_waiting()
    wait_until(lambda: not product.has_long_chore(), seconds)
    problem = found.problem or ("" if lasted else "the chore ended before the load")
    return replace(found, note=f"{found.note} {waiting} chores waited".strip(), problem=problem)


def _updates(place: Place, seconds: float) -> Round:
    """Measure updates at a pace whose senders wait for the outcome, and count them in the ledger."""
    before = place.product.ledger_rows()
    prepared = claims.updates(place.players, round(PACE * seconds), waits=True)
    found = place.meter.paced(prepared, PACE, MANY_CONNECTIONS, [200])
    place.product.wait_until_applied()
    missing = sum(found.statuses.values()) - (place.product.ledger_rows() - before)
    return replace(found, problem=found.problem or (f"the ledger lacks {missing} updates" if missing else ""))


@contextmanager
def running_chore_place(generator: str, seconds: float, others: int = OTHERS, count: int = PLAYERS) -> Iterator[Place]:
    """Run the product with a long chore among its chores, and a floor, until the block ends."""
    environment = {**LIMITS, "SCOREBOARD_WEB_PROCESSES": "2", "SCOREBOARD_LOG_FORMAT": "json"}
    with (
        running_servers(fast=False) as servers,
        running_floor() as (floor_port, floor),
        running_stack(servers, _filled_database(servers, others), 0, **environment) as stack,
    ):
        stack.stop("chores", signal.SIGKILL)  # whatever it is at: the next one does it again
        stack.start("chores", Variant({"workers.app": "bench.long_chore"}))
        product = StackProduct(stack.environment, stack.processes["web"], stack, servers)
        settled.take_in(product.engine)
        rebuild(product)
        meter = Meter(product, floor_port, floor, generator, seconds)
        server = players.game_server(product.engine, product.settings)
        place = Place(product, meter, players.register(product.url, count), server, others)
        place.warm_up()
        yield place


def _filled_database(servers: Servers, others: int) -> str:
    """Create a database with the default catalogue and so many players on the board, and return its URL."""
    environment = environment_of(servers)
    engine = engine_of(environment)
    try:
        with engine.begin() as connection:
            catalogue.load_defaults(connection)
        add_many(engine, others)
        settled.vacuum(engine)
    finally:
        engine.dispose()
    return environment["DATABASE_URL"]
