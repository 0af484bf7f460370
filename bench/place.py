"""A running product with players of its own beside a running floor: where the HTTP rows are measured."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench import claims, players, settled
from bench.floor import running_floor
from bench.meter import Meter
from bench.players import GameServer, Player
from bench.product import Product, running_product
from bench.rows import Round
from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.services.rebuild import Rebuilder
from dev.harness.many import add_many, id_of
from dev.harness.waiting import wait_until

PLAYERS = 32
"""The players who send updates: as many as there are connections."""

CONNECTIONS = 32
_REBUILT_WITHIN_SECONDS = 600.0


@dataclass(frozen=True)
class Place:
    """The product, the meter, and who sends. `others` are players who did one action long ago."""

    product: Product
    meter: Meter
    players: Sequence[Player]
    server: GameServer
    others: int

    def floor(self) -> Round:
        """Measure the floor."""
        return self.meter.floor_round(CONNECTIONS)

    def warm_up(self) -> None:
        """Move every player once into the first places, so that all are on the list that a viewer sees."""
        requests = claims.updates(self.players, len(self.players), waits=True, action="win-tournament")
        self.meter.alone(requests, [200])
        self.product.wait_until_applied()

    @property
    def middle(self) -> str:
        """The id of a player in the middle of the board."""
        return id_of(max(1, self.others // 2)) if self.others else self.players[0].user_id


@contextmanager
def running_place(
    generator: str, seconds: float, others: int, count: int = PLAYERS, **environment: str
) -> Iterator[Place]:
    """Run product and floor until the block ends, with `count` players who send and `others` on the board."""
    with running_product(**environment) as product, running_floor() as (floor_port, floor):
        if others:
            add_many(product.engine, others)
            settled.vacuum(product.engine)
            settled.take_in(product.engine)
            rebuild(product)
        meter = Meter(product, floor_port, floor, generator, seconds)
        server = players.game_server(product.engine, product.settings)
        place = Place(product, meter, players.register(product.url, count), server, others)
        place.warm_up()
        yield place


def rebuild(product: Product) -> None:
    """Fill the all-time board in Redis from PostgreSQL."""
    rebuilder = Rebuilder(product.redis, product.engine)
    wait_until(lambda: rebuilder.rebuild(DEFAULT_BOARD, ALL_TIME), _REBUILT_WITHIN_SECONDS)
