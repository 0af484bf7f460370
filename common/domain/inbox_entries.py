"""The entries of the inbox and the replies about them, with their encoding and decoding. Pure.

An entry is a stream entry with the fields `update` (a JSON object with what version 1 had from its first day), `more`
(one with what was added since), `accepted_at` (Unix time in ms) and `version`, the major version of the format; one
without it is of version 1. Within a major version fields may be added: a reader ignores those that it does not know,
and has a default for those that it does. The first readers refused an `update` with anything more in it and looked at
no other field, which is why what is new stands beside it. What an older reader would understand wrongly needs the next
major version: an update with a value or a second score is of version 2, because a reader of version 1 would count it as
0 points. An update of an action that a board brings with it is of version 3, because a reader of version 2 would refuse
it. Every other update is still written as version 1, so that workers of the version before apply it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple, TypeGuard

import orjson

from common.contract.constants import ADJUSTING, ENROLLING
from common.contract.fields import is_uuid
from common.core.timestamps import from_milliseconds
from common.domain.outcomes import Outcome

ENTRY_VERSION = 3
"""The highest major version that this code writes, and the highest one that it reads."""

_LONGEST_NAME = 64
"""The greatest length of the name of a user, an action, or a key."""

DECODE_ERRORS = (KeyError, TypeError, ValueError, OverflowError, OSError)
"""The errors of decoding an entry that the web did not write; the last two come of instants out of range."""


@dataclass(frozen=True)
class Update:
    """A valid, signed claim.

    `reply_to` is the web process whose request waits for the outcome, if one does. `source` says who sent it
    (`common/domain/ledger_row.py`); None in an entry of a version that did not say it. `value` and `second` come from a
    game server alone.
    """

    user_id: str
    action_id: str
    idempotency_key: str
    occurred_at: str
    request_id: str
    reply_to: str | None = None
    source: str | None = None
    value: int | None = None
    second: int | None = None


_NUMBERS = frozenset({"value", "second"})
_NAMES = tuple(field.name for field in fields(Update))
_OPTIONAL = frozenset(field.name for field in fields(Update) if field.default is None)

_FIELDS = tuple(field.name for field in fields(Update))
_FIRST_FIELDS = frozenset({"user_id", "action_id", "idempotency_key", "occurred_at", "request_id", "reply_to"})
"""The fields that version 1 has had from its first day."""


class Delivery(NamedTuple):
    """An inbox entry handed to a worker; `times` counts the deliveries so far, `fields` is how it was stored."""

    inbox_id: str
    accepted_at: datetime
    update: Update
    times: int
    fields: Mapping[str, str] = {}


class MalformedEntry(NamedTuple):
    """An inbox entry that cannot be decoded although this version should be able to."""

    inbox_id: str
    fields: Mapping[str, str]
    times: int


class Newer(NamedTuple):
    """An inbox entry of a later major version, which waits for a worker that can decode it."""

    inbox_id: str
    version: int
    times: int


Entry = Delivery | MalformedEntry | Newer


class Sender(NamedTuple):
    """The user and key of an entry's update, and the web process that waits for its outcome."""

    user_id: str
    action_id: str
    idempotency_key: str
    reply_to: str | None


class Reply(NamedTuple):
    """The outcome that a worker sends to a waiting request. `replayed` says that an earlier acceptance counted."""

    user_id: str
    idempotency_key: str
    action_id: str
    outcome: Outcome
    replayed: bool


def version_of(update: Update) -> int:
    """Return the major version of the format that an update needs."""
    if update.value is None and update.second is None:
        return 1
    return 3 if update.action_id.startswith((ADJUSTING, ENROLLING)) else 2


def encode_update(update: Update) -> tuple[bytes, bytes]:
    """Return the fields `update` and `more` of an entry, each a JSON object. What is None in `more` is left out."""
    stored = {name: getattr(update, name) for name in _FIELDS}
    more = {name: stored.pop(name) for name in tuple(stored) if name not in _FIRST_FIELDS}
    return orjson.dumps(stored), orjson.dumps({name: value for name, value in more.items() if value is not None})


def write_reply(reply: Reply, outcome: bytes) -> bytes:
    """Encode a reply whose outcome is encoded already, as the receipt is."""
    named = orjson.dumps([reply.user_id, reply.idempotency_key, reply.action_id])
    return b"%b,%b,%b]" % (named[:-1], outcome, b"true" if reply.replayed else b"false")


def join_replies(replies: Sequence[bytes]) -> bytes:
    """Return a message to a web process. A list is version 1; a later major version is an object with its `version`."""
    return b"[%b]" % b",".join(replies)


def parse_replies(message: str) -> list[Reply]:
    """Decode a message to a web process; fields that a later version added are ignored.

    A message of a later major version gives an empty list: the waiting requests read their receipts in the end.
    """
    replies = orjson.loads(message)
    if not isinstance(replies, list):
        return []
    return [Reply(*told[: len(Reply._fields)]) for told in replies]


def read_entry(inbox_id: str, fields: Mapping[str, str], times: int) -> Entry:
    """Decode an entry of the stream that is delivered for the `times`-th time."""
    try:
        version = int(fields.get("version", "1"))
        if version > ENTRY_VERSION:
            return Newer(inbox_id, version, times)
        accepted_at = from_milliseconds(int(fields["accepted_at"]))
        return Delivery(inbox_id, accepted_at, _parsed(fields), times, fields)
    except DECODE_ERRORS:
        return MalformedEntry(inbox_id, fields, times)


def accepted_at(inbox_id: str, fields: Mapping[str, str]) -> datetime:
    """Return when an entry was accepted: the instant that it states, or else the one at the start of its id."""
    try:
        return from_milliseconds(int(fields["accepted_at"]))
    except DECODE_ERRORS:
        return from_milliseconds(int(inbox_id.partition("-")[0]))


def sender(fields: Mapping[str, str]) -> Sender | None:
    """Return the sender of an entry, even if the rest of it cannot be decoded; None if it names none."""
    try:
        stored = orjson.loads(fields["update"])
        named = [stored[name] for name in ("user_id", "action_id", "idempotency_key")]
    except DECODE_ERRORS:
        return None
    if not all(_is_name(name) for name in named) or not is_uuid(named[0]):
        return None
    user_id, action_id, key = named
    reply_to = stored.get("reply_to")
    return Sender(user_id, action_id, key, reply_to if isinstance(reply_to, str) else None)


def _is_name(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isascii() and value.isprintable()


def _parsed(entry: Mapping[str, str]) -> Update:
    """Decode an update. Raises TypeError or ValueError for anything that the web would not have written."""
    stored: dict[str, Any] = {**orjson.loads(entry.get("more", "{}")), **orjson.loads(entry["update"])}
    named = {name: stored[name] for name in _NAMES if name in stored}
    for name, value in named.items():
        if not (value is None and name in _OPTIONAL) and type(value) is not (int if name in _NUMBERS else str):
            raise TypeError(name)
    update = Update(**named)
    if not is_uuid(update.user_id):
        raise ValueError(update.user_id)
    return update
