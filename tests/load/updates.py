"""Concurrent updates: every accepted one counts exactly once, however often it is sent, and nothing is a 5xx."""

import gevent
from locust import task

from tests.load.player import LoadPlayer
from tests.load.told import told

AT_ONCE = 3
"""How often the same claim is sent at the same time."""


class Updates(LoadPlayer):
    """Sends updates without a pause: new ones, the same one several times at once, and old ones again."""

    def on_start(self) -> None:
        """Become a player who has sent nothing yet."""
        super().on_start()
        self._sent: list[dict[str, str]] = []
        self._outcomes: dict[str, tuple[object, object]] = {}

    @task(6)
    def send(self) -> None:
        """Send a new claim and wait for its outcome."""
        self._send(self.claim())

    @task(3)
    def send_and_go_on(self) -> None:
        """Send a new claim, and take 202 for an answer."""
        claim = self.claim("share")
        self.update(claim, waits=False)
        self._sent.append(claim)

    @task(2)
    def send_at_once(self) -> None:
        """Send the same new claim several times at once."""
        claim = self.claim("complete-level")
        gevent.joinall([gevent.spawn(self._send, claim) for _ in range(AT_ONCE)], raise_error=True)

    @task(2)
    def send_again(self) -> None:
        """Send a claim that was accepted before."""
        if not self._sent:
            return
        claim = self._sent[len(self._sent) // 2]
        told.expect(self._send(claim), f"{claim} was sent again, and the answer is no replay")
        told.counted["replays"] += 1

    def _send(self, claim: dict[str, str]) -> bool:
        """Send a claim, compare its outcome with what was told before, and return whether the answer is a replay."""
        key = claim["idempotencyKey"]
        answer = self.update(claim)
        if answer.status_code == 200:
            body = answer.json()
            outcome = (body["update"], body["entry"]["score"])
            before = self._outcomes.setdefault(key, outcome)
            told.expect(before == outcome, f"{key} was {before} and is {outcome}")
        self._sent.append(claim)
        return answer.headers is not None and answer.headers.get("Idempotent-Replayed") == "true"
