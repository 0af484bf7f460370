"""Forgetting all that Redis holds and PostgreSQL can tell, before PostgreSQL is restored from a backup.

What stays is what stands nowhere else: the inbox, with the receipts of the updates that wait in it, and what does not
depend on the database: ended sessions, counted limits, known addresses, the queues of tasks. A service may run on
either side of this: it fills its boards and caches again.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, cast

from common.domain.inbox_entries import sender
from common.redis_store import keys
from common.redis_store.client import Client

KEYS_AT_ONCE = 1_000


class Waiting(NamedTuple):
    """How many accepted updates wait in the inbox, and how many of each action, by its id.

    An entry that cannot be decoded is of no action.
    """

    total: int
    by_action: Mapping[str, int]


def forget_all_but_inbox(client: Client) -> Waiting:
    """Forget, and return what waits in the inbox. Safe to run twice, and to die in."""
    kept = {keys.INBOX}
    total, by_action = 0, Counter[str]()
    for fields in _entries(client):
        total += 1
        if named := sender(fields):
            by_action[named.action_id] += 1
            kept.add(keys.receipt(named.user_id, named.idempotency_key))
    found = cast(Iterator[str], client.scan_iter(count=KEYS_AT_ONCE))
    while some := list(islice(found, KEYS_AT_ONCE)):
        if forgotten := [key for key in some if keys.follows_postgresql(key) and key not in kept]:
            client.unlink(*forgotten)
    return Waiting(total, by_action)


def has_listeners(client: Client) -> bool:
    """Return whether a web process listens for changes of boards."""
    told = cast(Sequence[tuple[str, int]], client.pubsub_numsub(keys.UPDATES_CHANNEL))
    return any(listeners for _, listeners in told)


def _entries(client: Client) -> Iterator[dict[str, str]]:
    """Yield the fields of every entry of the inbox."""
    after = "-"
    while page := cast(list[tuple[str, dict[str, str]]], client.xrange(keys.INBOX, min=after, count=KEYS_AT_ONCE)):
        yield from (fields for _, fields in page)
        after = f"({page[-1][0]}"
