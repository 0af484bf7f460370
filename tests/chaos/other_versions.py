"""Entries of the inbox as other versions write them, in literal text, which does not change with the code.

Only the next major version follows the code: it is one that this version does not read.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from common.domain.inbox_entries import ENTRY_VERSION
from common.redis_store import keys
from common.redis_store.client import Client
from dev.harness.many import id_of
from tests.chaos.admins import MODERATED
from tests.chaos.clients import Account

NEWER_MAJOR = ENTRY_VERSION + 1
_PLAYERS = (*MODERATED, *(id_of(number) for number in range(11, 21)))
_FIRST_FIELDS = (
    '{"user_id":"%s","action_id":"win-match","idempotency_key":"%s","occurred_at":"2026-11-23T00:00:00.000Z",'
    '"request_id":"chaos","reply_to":null}'
)
_MORE_FIELDS = _FIRST_FIELDS[:-1] + ',"mood":{"of":["tomorrow",1]}}'
_MORE = '{"source":"key:chaos","device":{"kind":"a watch"},"colours":["blue"]}'


class PutEntries(NamedTuple):
    """Ids of entries in the inbox, and what has to become of all of them: each counts once."""

    readable: list[str]
    newer: list[str]
    accounts: list[Account]


def put(client: Client) -> PutEntries:
    """Append one entry of each player for each version: the first one, a later minor one, the next major one."""
    entries = PutEntries([], [], [])
    for user_id in _PLAYERS:
        entries.readable.append(_put(client, entries, user_id, _FIRST_FIELDS, {}))
        entries.readable.append(
            _put(client, entries, user_id, _MORE_FIELDS, {"version": "1", "more": _MORE, "weather": "rain"})
        )
        later = {"version": str(NEWER_MAJOR), "more": _MORE}
        entries.newer.append(_put(client, entries, user_id, _FIRST_FIELDS, later))
    return entries


def remaining(client: Client, inbox_ids: list[str]) -> int:
    """How many of these entries nobody has settled."""
    return sum(bool(client.xrange(keys.INBOX, min=inbox_id, max=inbox_id)) for inbox_id in inbox_ids)


def _put(client: Client, entries: PutEntries, user_id: str, form: str, more: Mapping[str, str]) -> str:
    key = f"other-{secrets.token_hex(8)}"
    accepted_at = str(int(datetime.now(UTC).timestamp() * 1000))
    entries.accounts.append(Account(user_id, "win-match", key, is_resolved=True))
    fields: dict[Any, Any] = {"update": form % (user_id, key), "accepted_at": accepted_at, **more}
    return str(client.xadd(keys.INBOX, fields))
