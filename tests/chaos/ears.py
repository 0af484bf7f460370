"""Those who listen for unlocks: to what workers announce in Redis, and as players to the live socket."""

import json
import threading
import time
from collections import defaultdict

import redis

from common.redis_store import keys
from dev.harness.stack import Stack
from tests.caller import Caller
from tests.chaos.viewer import Returning
from tests.live_client import LiveClient, Message

Key = tuple[str, str, str]
"""User id, achievement id, scope."""

_LOOK_SECONDS, _PAUSE_SECONDS = 0.2, 0.2
_SHORT_PAUSE_SECONDS = 0.01


class Ear(threading.Thread):
    """Hears every announcement while Redis is there. `told` has the instants (ms) that each unlock was told with.

    `deaf` are the spans, in seconds since 1970, in which something may have been said unheard.
    """

    def __init__(self, redis_url: str) -> None:
        super().__init__(name="ear")
        self._url = redis_url
        self._ends = threading.Event()
        self.is_listening = threading.Event()
        self.told: defaultdict[Key, list[int]] = defaultdict(list)
        self.deaf: list[tuple[float, float]] = []

    def run(self) -> None:
        heard_at = time.time()
        while not self._ends.is_set():
            try:
                with redis.Redis.from_url(self._url) as client, client.pubsub() as subscription:
                    subscription.subscribe(keys.UPDATES_CHANNEL)
                    while not self._ends.is_set():
                        message = subscription.get_message(timeout=_LOOK_SECONDS)
                        if message and message["type"] == "subscribe":
                            self.deaf.append((heard_at, time.time()))
                            self.is_listening.set()
                        elif message:
                            self._take_in(message["data"])
                        heard_at = time.time()
            except redis.RedisError:
                self.is_listening.clear()
                time.sleep(_SHORT_PAUSE_SECONDS)

    def end(self) -> None:
        self._ends.set()
        self.join()

    def was_deaf(self, since: float, until: float) -> bool:
        return any(begin <= until and since <= end for begin, end in self.deaf[1:])

    def _take_in(self, news: bytes) -> None:
        for user_id, achievement_id, scope, at in json.loads(news).get("unlocked", []):
            self.told[user_id, achievement_id, scope].append(at)


class Follower(Returning):
    """A player who watches. `told` are the achievements they know of."""

    def __init__(self, stack: Stack, caller: Caller) -> None:
        super().__init__(f"follower {caller.username}")
        self._stack = stack
        self._caller = caller
        self.user_id = caller.user_id
        self.told: set[str] = set()

    def connect(self) -> LiveClient:
        try:
            ticket = self._caller.ticket()
        except AssertionError as error:  # a server is away
            raise ConnectionError(str(error)) from error
        return LiveClient(f"{self._stack.live_url}?ticket={ticket}", seconds=5.0)

    def take_in(self, message: Message, connection: LiveClient) -> None:
        if message["type"] == "achievements":
            self.told.update(message["unlocked"])
        elif message["type"] == "achievement":
            self.told.add(message["achievement"]["achievementId"])
