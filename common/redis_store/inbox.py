"""The inbox: a Redis stream of accepted updates, each delivered at least once until it is acknowledged."""

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Self, TypeVar, cast

import orjson
import redis

from common.core.settings import Settings
from common.core.task_names import DOORBELL_SECONDS
from common.core.timestamps import from_milliseconds, to_milliseconds
from common.domain import outcomes
from common.domain.inbox_entries import (
    Entry,
    Reply,
    Update,
    accepted_at,
    encode_update,
    join_replies,
    read_entry,
    sender,
    version_of,
    write_reply,
)
from common.domain.ledger_row import UpdateKey
from common.domain.outcomes import Outcome
from common.domain.standing import BoardId, Standing
from common.redis_store import keys, placeholders
from common.redis_store.board import script_values
from common.redis_store.client import Client, script
from common.redis_store.keys import BoardKeys

Result = TypeVar("Result")

DOORBELL_MS = int(DOORBELL_SECONDS * 1000)


class Accepted(NamedTuple):
    """The update is in the inbox; `ring` says whether a doorbell is due."""

    ring: bool


class Known(NamedTuple):
    """The key was used before; this is what Redis remembers of it."""

    receipt: Outcome


class Committed(NamedTuple):
    """The committed rows of a batch by board, the instant (ms) of their COMMIT, and the boards whose moves are told."""

    boards: Mapping[BoardId, Sequence[Standing]]
    at: int
    moves_of: Collection[BoardId]


class InboxFullError(Exception):
    """The inbox is full, and nothing was accepted."""


def new_nonce() -> str:
    """Return a random text by which a request knows what it has done itself."""
    return secrets.token_hex(8)


def pending_receipt(update: Update, nonce: str) -> bytes:
    """Return the receipt of an update that the request with this nonce has accepted, as it is stored."""
    named = (update.user_id, update.action_id, update.idempotency_key)
    return orjson.dumps(outcomes.accepted(*named, nonce, value=update.value, second=update.second))


class Inbox:
    """The stream, for those who write and those who read. Every method raises redis.RedisError if Redis is away."""

    def __init__(self, client: Client, *, capacity: int, receipt_ttl: int) -> None:
        self._client = client
        self.capacity = capacity
        self._receipt_ttl = receipt_ttl
        self._accept = script(client, "accept")
        self._settle = script(client, "settle")
        self._finish = script(client, "finish")

    @classmethod
    def of(cls, client: Client, settings: Settings) -> Self:
        """Return the inbox on this server, with the capacity of the settings."""
        return cls(client, capacity=settings.inbox_max, receipt_ttl=settings.receipt_ttl)

    # -- the web's end -------------------------------------------------------------------------------------------

    def accept(self, update: Update, nonce: str | None = None) -> Accepted | Known:
        """Accept an update, once for each (user, key). Raises InboxFullError.

        An update that is known by this `nonce` was accepted by this very request.
        """
        ring, (receipt,) = self.accept_all([update], [nonce] if nonce else None)
        return Known(receipt) if receipt else Accepted(ring)

    def accept_all(
        self, updates: Sequence[Update], nonces: Sequence[str] | None = None
    ) -> tuple[bool, list[Outcome | None]]:
        """Accept updates in one round trip: all that are new, or none.

        Returns whether a doorbell is due, and for each update its receipt if the key was used before, also earlier in
        this list, or None. Each has a nonce of its own, by default a new one. Raises InboxFullError.
        """
        arguments: list[bytes | str | int] = [self.capacity, DOORBELL_MS, max(map(version_of, updates))]
        for update, nonce in zip(updates, nonces or [new_nonce() for _ in updates], strict=True):
            arguments += [nonce, pending_receipt(update, nonce), *encode_update(update)]
        receipts = [keys.receipt(update.user_id, update.idempotency_key) for update in updates]
        verdict, *rest = self._accept(keys=[keys.INBOX, keys.DOORBELL, *receipts], args=arguments)
        if verdict == "full":
            raise InboxFullError
        return bool(rest[0]), [orjson.loads(receipt) if receipt else None for receipt in rest[1:]]

    def receipt(self, user_id: str, idempotency_key: str) -> Outcome | None:
        """Return the receipt of an update, or None if Redis has none."""
        return self.receipts([(user_id, idempotency_key)])[0]

    def receipts(self, update_keys: Sequence[UpdateKey]) -> list[Outcome | None]:
        """Return the receipt of each of these updates, or None, in one round trip."""
        if not update_keys:
            return []
        stored = cast(list[str | None], self._client.mget([keys.receipt(*update_key) for update_key in update_keys]))
        return [orjson.loads(receipt) if receipt else None for receipt in stored]

    # -- the worker's end ----------------------------------------------------------------------------------------

    def open(self) -> None:
        """Create the consumer group, unless it exists."""
        try:
            self._client.xgroup_create(keys.INBOX, keys.INBOX_GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def read(self, consumer: str, count: int, wait_ms: int | None = None) -> list[Entry]:
        """Return up to `count` entries that no worker has received yet; wait for them at most `wait_ms`."""

        def read() -> object:
            return self._client.xreadgroup(keys.INBOX_GROUP, consumer, {keys.INBOX: ">"}, count=count, block=wait_ms)

        return [read_entry(inbox_id, fields, 1) for inbox_id, fields in _only_stream(self._in_group(read))]

    def reclaim(
        self,
        consumer: str,
        count: int,
        idle_ms: int,
        owner: str | None = None,
        *,
        after: str = "-",
        before: str | None = None,
    ) -> list[Entry]:
        """Take over pending entries that were delivered `idle_ms` ago or earlier, to any consumer or to `owner`.

        Returns the first `count` of them with ids between `after` and `before`, both left out, ordered by id.
        """
        first = after if after == "-" else f"({after}"
        last = f"({before}" if before else "+"

        def pending() -> list[dict[str, Any]]:
            return self._client.xpending_range(
                keys.INBOX, keys.INBOX_GROUP, min=first, max=last, count=count, consumername=owner, idle=idle_ms
            )

        times: dict[str, int] = {entry["message_id"]: entry["times_delivered"] + 1 for entry in self._in_group(pending)}
        if not times:
            return []
        claimed = self._client.xclaim(keys.INBOX, keys.INBOX_GROUP, consumer, idle_ms, list(times))
        return [
            read_entry(inbox_id, fields, times[inbox_id])
            for inbox_id, fields in cast(list[tuple[str, dict[str, str]]], claimed)
        ]

    def make_idle(self, consumer: str, inbox_ids: Sequence[str], idle_ms: int) -> None:
        """Set the idle time of entries of this consumer to `idle_ms`, so that others reclaim them sooner."""
        if inbox_ids:
            self._client.xclaim(keys.INBOX, keys.INBOX_GROUP, consumer, 0, list(inbox_ids), idle=idle_ms, justid=True)

    def release(self, consumer: str, times: Mapping[str, int], idle_ms: int) -> None:
        """Release entries (id -> number of deliveries) that could not be applied for no fault of their own.

        Their last delivery does not count, and their idle time is set to `idle_ms`, so that they are reclaimed sooner.
        """
        by_count: dict[int, list[int | bytes | str | memoryview[int]]] = {}
        for inbox_id, delivered in times.items():
            by_count.setdefault(max(0, delivered - 1), []).append(inbox_id)
        for count, inbox_ids in by_count.items():
            self._client.xclaim(
                keys.INBOX, keys.INBOX_GROUP, consumer, 0, inbox_ids, idle=idle_ms, retrycount=count, justid=True
            )

    def _in_group(self, act: Callable[[], Result]) -> Result:
        """Call `act`, and once more after creating the consumer group if Redis has lost it."""
        try:
            return act()
        except redis.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
        self.open()
        return act()

    def acknowledge(
        self, inbox_ids: Sequence[str], replies: Iterable[tuple[str | None, Reply]], news: bytes | None
    ) -> None:
        """Publish the news, store receipts, answer waiting requests and remove the entries, all at one instant."""
        if inbox_ids:
            receipts, arguments = self._settlement(inbox_ids, replies, news)
            self._settle(keys=[keys.INBOX, *receipts], args=arguments)

    def finish(
        self,
        committed: Committed,
        inbox_ids: Sequence[str],
        replies: Iterable[tuple[str | None, Reply]],
        news: bytes,
    ) -> bool:
        """Show a small batch on its boards, and do all that `acknowledge` does, at one instant. Safe to run twice.

        Replies and news may hold the placeholders of these boards and moves. Returns False, and does nothing, if Redis
        does not serve one of the boards.
        """
        named: list[str] = []
        rows: list[str | int] = []
        for board, standings in committed.boards.items():
            of = BoardKeys(*board)
            named += (of.scores, of.members, of.meta)
            rows += (int(board in committed.moves_of), len(standings), *script_values(standings))
        receipts, arguments = self._settlement(inbox_ids, replies, news)
        called_with = [committed.at, len(committed.boards), *rows, *arguments]
        return bool(self._finish(keys=[keys.INBOX, *named, *receipts], args=called_with))

    def _settlement(
        self, inbox_ids: Sequence[str], replies: Iterable[tuple[str | None, Reply]], news: bytes | None
    ) -> tuple[list[str], list[str | int | bytes]]:
        """Return the keys of the receipts, and the arguments that the function `settle` of our scripts reads."""
        receipts: dict[str, bytes] = {}
        waiting: dict[str, list[bytes]] = {}
        for reply_to, reply in replies:
            outcome = placeholders.dumps(reply.outcome)
            receipts[keys.receipt(reply.user_id, reply.idempotency_key)] = outcome
            if reply_to:
                waiting.setdefault(reply_to, []).append(write_reply(reply, outcome))
        messages: list[str | bytes] = [keys.UPDATES_CHANNEL, news] if news else []
        for reply_to, told in waiting.items():
            messages += (keys.replies(reply_to), join_replies(told))
        arguments = [keys.INBOX_GROUP, self._receipt_ttl, len(messages) // 2, *messages, *receipts.values(), *inbox_ids]
        return list(receipts), arguments

    def announce(self, news: bytes) -> None:
        """Publish news to viewers that belong to no update."""
        self._client.publish(keys.UPDATES_CHANNEL, news)

    def now(self) -> datetime:
        """Return the time of the Redis server, which stamps every acceptance."""
        seconds, microseconds = self._client.time()
        return from_milliseconds(seconds * 1000 + microseconds // 1000)

    def acceptances(self, limit: int) -> list[datetime]:
        """Return when each of the first unacknowledged updates was accepted, `limit` at most.

        They come in the order in which they entered the inbox: one that came back from the quarantine states an instant
        before those of its neighbours.
        """
        entries = cast(list[tuple[str, dict[str, str]]], self._client.xrange(keys.INBOX, count=limit))
        return [accepted_at(inbox_id, fields) for inbox_id, fields in entries]

    def requeue(self, fields: Mapping[str, str], accepted_at: datetime) -> None:
        """Append a quarantined entry with its stored fields and its first instant of acceptance.

        The receipt of its update says `accepted` again.
        """
        pipeline = self._client.pipeline(transaction=True)
        if named := sender(fields):
            pending = outcomes.accepted(*named[:3], secrets.token_hex(8))
            pipeline.set(keys.receipt(named.user_id, named.idempotency_key), orjson.dumps(pending))
        stored = {**fields, "accepted_at": str(to_milliseconds(accepted_at))}
        pipeline.xadd(keys.INBOX, cast(dict[Any, Any], stored))
        pipeline.execute()

    def depth(self) -> int:
        """Return the number of accepted updates that no worker has acknowledged."""
        return self._client.xlen(keys.INBOX)

    def is_full(self) -> bool:
        """Whether it holds as many updates as it may."""
        return self.depth() >= self.capacity

    def suppress_doorbell(self) -> None:
        """Keep others from ringing for the next 2 seconds, because a drain is running."""
        self._client.set(keys.DOORBELL, "1", px=DOORBELL_MS)

    def reset_doorbell(self) -> bool:
        """Let the next acceptance ring, and return whether somebody had rung within the last 2 seconds."""
        return bool(self._client.delete(keys.DOORBELL))

    def acquire_doorbell(self) -> bool:
        """Return whether the caller has to ring."""
        return bool(self._client.set(keys.DOORBELL, "1", nx=True, px=DOORBELL_MS))

    def forget_idle_consumers(self, idle_ms: int) -> None:
        """Remove consumers that have been idle for `idle_ms` and hold no entries."""
        for consumer in self._client.xinfo_consumers(keys.INBOX, keys.INBOX_GROUP):
            if consumer["pending"] == 0 and consumer["idle"] > idle_ms:
                self._client.xgroup_delconsumer(keys.INBOX, keys.INBOX_GROUP, consumer["name"])


def _only_stream(reply: object) -> list[tuple[str, dict[str, str]]]:
    """Return the entries of the one stream that was read, from RESP2's list or RESP3's map."""
    if not reply:
        return []
    if isinstance(reply, dict):
        (entries,) = reply.values()
        return cast(
            list[tuple[str, dict[str, str]]], entries[0] if entries and isinstance(entries[0], list) else entries
        )
    return cast(list[tuple[str, list[tuple[str, dict[str, str]]]]], reply)[0][1]
