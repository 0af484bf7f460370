"""What stands in the inbox, and what is told of it: values, and how they are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import orjson

from common.fields import is_uuid
from common.outcomes import Outcome
from common.timestamps import from_milliseconds

NOT_TO_BE_READ = (KeyError, TypeError, ValueError, OverflowError, OSError)
"""What an entry that the web did not write can come to; the last two are of instants that no clock shows."""


_MAY_BE_NULL = frozenset({"reply_to", "source"})


@dataclass(frozen=True)
class Update:
    """A valid, signed claim.

    `reply_to` is the web process whose request waits for the outcome, if one does. `source` says who sent it
    (`common/records.py`); None in an entry of a version that did not say it.
    """

    user_id: str
    action_id: str
    idempotency_key: str
    occurred_at: str
    request_id: str
    reply_to: str | None
    source: str | None = None


class Delivery(NamedTuple):
    """An inbox entry handed to a worker; `times` counts the deliveries so far."""

    inbox_id: str
    accepted_at: datetime
    update: Update
    times: int


class Garbled(NamedTuple):
    """An inbox entry that nobody can read."""

    inbox_id: str
    fields: Mapping[str, str]


class Reply(NamedTuple):
    """What a worker tells a request that waits. `replayed`: an earlier acceptance counted."""

    user_id: str
    idempotency_key: str
    action_id: str
    outcome: Outcome
    replayed: bool


def parse_replies(message: str) -> list[Reply]:
    """What a web process reads from its channel."""
    return [Reply(*fields) for fields in orjson.loads(message)]


def read_entry(inbox_id: str, fields: Mapping[str, str], times: int) -> Delivery | Garbled:
    """What a worker is handed for an entry of the stream, delivered for the `times`-th time."""
    try:
        accepted_at = from_milliseconds(int(fields["accepted_at"]))
        return Delivery(inbox_id, accepted_at, _parsed(fields["update"]), times)
    except NOT_TO_BE_READ:
        return Garbled(inbox_id, fields)


def _parsed(text: str) -> Update:
    """Raises TypeError or ValueError for what the web would not have written: trying it again would not help."""
    update = Update(**orjson.loads(text))
    for name, value in vars(update).items():
        if not isinstance(value, str) and not (name in _MAY_BE_NULL and value is None):
            raise TypeError(name)
    if not is_uuid(update.user_id):
        raise ValueError(update.user_id)
    return update
