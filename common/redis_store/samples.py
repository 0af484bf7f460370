"""The samples of all machines in one Redis stream, whose clock stamps them. Each row: the machine, and its sample."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

import orjson

from common.core.timestamps import from_milliseconds, to_milliseconds
from common.domain import metric_samples
from common.domain.metric_samples import Sample
from common.redis_store import keys
from common.redis_store.client import Client

_AT_ONCE = 500


class Stored(NamedTuple):
    """A sample as it is kept: when it was stored, by Redis' clock, and of which machine it is."""

    at: datetime
    machine: str
    sample: Sample


def add(client: Client, machine: str, sample: Sample, kept: timedelta) -> datetime:
    """Store a sample and return its instant. About all that is older than `kept` goes. Raises redis.RedisError."""
    stored = cast(str, client.xadd(keys.SAMPLES, row(machine, sample)))
    at = _instant(stored)
    client.xtrim(keys.SAMPLES, minid=str(to_milliseconds(at - kept)), approximate=True)
    return at


def row(machine: str, sample: Sample) -> dict[Any, Any]:
    """Return the row of the stream that a sample is stored as."""
    return {"machine": machine, "sample": orjson.dumps(metric_samples.to_wire(sample))}


def since(client: Client, after: datetime) -> Iterator[Stored]:
    """Return the samples that were stored after an instant, the oldest first. Raises redis.RedisError.

    They are read some at a time, so that a whole day holds neither Redis nor the caller's process. Rows of another
    version are left out.
    """
    first = f"({to_milliseconds(after)}-{2**64 - 1}"
    while rows := cast(list[tuple[str, dict[str, str]]], client.xrange(keys.SAMPLES, min=first, count=_AT_ONCE)):
        for row_id, fields in rows:
            try:
                sample = metric_samples.from_wire(orjson.loads(fields["sample"]))
                yield Stored(_instant(row_id), fields["machine"], sample)
            except (KeyError, TypeError, ValueError, AttributeError):
                continue
        first = f"({rows[-1][0]}"


def _instant(row_id: str) -> datetime:
    return from_milliseconds(int(row_id.partition("-")[0]))
