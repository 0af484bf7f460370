"""What a player takes in Redis, and an update in PostgreSQL."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import text

from bench import claims
from bench.http_rows import BATCH_CONNECTIONS, Rows
from bench.place import Place, rebuild
from bench.rows import Round
from dev.harness.many import add_many

PLAYERS = 100_000
UPDATES = 20_000
_BATCH = 1_000
_SIZE = text("SELECT pg_total_relation_size(CAST(:name AS regclass))")


def rows(place: Place) -> Rows:
    """Return the rows, for a place without others, and for one round: the players can be added only once."""
    return {
        "bytes in Redis per player on the all-time board": partial(_per_player, place),
        "bytes in PostgreSQL per update, ledger with indexes": partial(_per_update, place),
    }


def _per_player(place: Place) -> Round:
    place.product.wait_until_applied()
    before = _used_memory(place)
    add_many(place.product.engine, PLAYERS)
    rebuild(place.product)
    return Round(note=f"{(_used_memory(place) - before) / PLAYERS:,.0f} bytes")


def _per_update(place: Place) -> Round:
    before = _size(place)
    users: Sequence[str] = [player.user_id for player in place.players]
    found = place.meter.closed(
        claims.batches(place.server, users, UPDATES // _BATCH, _BATCH),
        BATCH_CONNECTIONS,
        [202],
        until_applied=True,
        updates_each=_BATCH,
    )
    sent = sum(found.statuses.values()) * _BATCH
    return Round(note=f"{(_size(place) - before) / sent:,.0f} bytes", problem=found.problem)


def _used_memory(place: Place) -> int:
    return int(place.product.redis.info("memory")["used_memory"])


def _size(place: Place) -> int:
    with place.product.engine.connect() as connection:
        return int(connection.execute(_SIZE, {"name": "score_events"}).scalar_one())
