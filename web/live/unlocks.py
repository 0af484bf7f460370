"""What viewers with a ticket are told of their achievements: all that they have on connecting, then each as it comes.

A message of Redis may be lost while a process is not subscribed, so all followers are told everything again once it is.
Lists are read from PostgreSQL, for many followers at once, and always after they are registered: what is unlocked later
comes as a message.
"""

import gevent
from gevent.event import Event
from sqlalchemy import Engine

from common.domain.achievements import Unlock
from common.domain.scoring import Catalogue
from common.postgres import unlocks
from common.postgres.catalogue import CatalogueCache
from web.live import frames
from web.live.followers import Follower
from web.live.hub import Hub

PAUSE_SECONDS = 0.1
WAIT_SECONDS = 5.0
PLAYERS_PER_READ = 500


class UnlockFeed:
    """Tells the followers of a hub. Nothing is read or sent while there are no achievements."""

    def __init__(self, hub: Hub, engine: Engine, catalogue: CatalogueCache) -> None:
        self._hub = hub
        self._engine = engine
        self._catalogue = catalogue
        self._news: list[Unlock] = []
        self._wake = Event()

    def take_in(self, unlocked: list[Unlock]) -> None:
        """Note what players have unlocked; those who watch in this process are told soon."""
        if unlocked:
            self._news += unlocked
            self._wake.set()

    def expect(self) -> None:
        """Note that a follower has come."""
        self._wake.set()

    def owe_lists(self) -> None:
        """Tell all followers everything again: messages may have been lost."""
        self._hub.followers.owe_lists()
        self._wake.set()

    def tell_unlocks(self) -> None:
        """Wait until there is something to tell, for a few seconds at most, and tell it."""
        if self._wake.wait(WAIT_SECONDS):
            gevent.sleep(PAUSE_SECONDS)
        self._wake.clear()
        self.look()

    def look(self) -> None:
        """Send lists to those who wait for one, and to others what they have unlocked."""
        catalogue = self._catalogue.current()
        known = len(self._news)
        watched = [each for each in self._news if self._hub.followers.of_user(each.user_id)]
        if any(each.achievement_id not in catalogue.achievements for each in watched):
            catalogue = self._catalogue.read_anew()
        if catalogue.achievements:
            self._send_lists()
        self._send(watched, catalogue)
        del self._news[:known]  # what has come meanwhile is told in the next turn

    def _send_lists(self) -> None:
        owed = [follower for follower in self._hub.followers.owed_lists() if not follower.viewer.is_waiting]
        for start in range(0, len(owed), PLAYERS_PER_READ):
            self._send_lists_to(owed[start : start + PLAYERS_PER_READ])

    def _send_lists_to(self, followers: list[Follower]) -> None:
        for follower in followers:
            follower.is_owed_list = False
        try:
            with self._engine.connect() as connection:
                found = unlocks.achieved(connection, {follower.ticket.user_id for follower in followers})
        except BaseException:
            for follower in followers:
                follower.is_owed_list = True
            raise
        for follower in followers:
            self._hub.tell(follower, frames.achievements(found[follower.ticket.user_id]))

    def _send(self, unlocked: list[Unlock], catalogue: Catalogue) -> None:
        for each in unlocked:
            achievement = catalogue.achievements.get(each.achievement_id)
            if achievement:
                frame = frames.achievement(each, achievement)
                for follower in self._hub.followers.of_user(each.user_id):
                    self._hub.tell(follower, frame)
