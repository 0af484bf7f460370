"""The cache: what has not changed is answered with 304 or the same bytes, and no read is older than an answered update.

Every reader looks at the list as it was asked for *after* what has been told before: a player whose update was
answered with 200 has at least that score on every list that is asked for from then on.
"""

import json
import random
from typing import Any

from locust import task

from tests.load.player import LoadPlayer
from tests.load.told import told

LIST = "/api/scores/leaderboard"
LIMIT = 10

answered: dict[str, int] = {}
"""The score of each player in their last answer."""

bodies: dict[str, bytes] = {}
"""The body of each tag that was ever answered for the list."""


class Readers(LoadPlayer):
    """Players who read far more than they write."""

    def on_start(self) -> None:
        """Become a player who has read nothing yet."""
        super().on_start()
        self._tag = ""
        self._seen = ("", -1)

    @task(1)
    def write(self) -> None:
        """Update, and find it on the board at once."""
        answer = self.update(self.claim(random.choice(["win-match", "share"])))
        if answer.status_code != 200:
            return
        score = int(answer.json()["entry"]["score"])
        answered[self.user_id] = score
        page = self.client.get(f"{LIST}?around={self.user_id}&limit=1", name="around, after an update").json()
        found = [entry["score"] for entry in page["entries"] if entry["userId"] == self.user_id]
        told.expect(found == [score], f"an update made it {score}, and the board still shows {found}")
        told.counted["updates found at once"] += 1

    @task(8)
    def read(self) -> None:
        """Read the list with the tag of the last answer."""
        due, sent = dict(answered), self._tag
        headers = {"If-None-Match": sent} if sent else {}
        answer = self.client.get(f"{LIST}?limit={LIMIT}", name="list", headers=headers)
        if answer.status_code == 304:
            told.counted["304"] += 1
        elif answer.status_code == 200:
            self._take_in(answer, sent)
        else:
            told.broken.append(f"a read was answered with {answer.status_code}: {answer.text}")
            return
        page = self._page()
        _check_age(page, due)
        self._check_order(page)

    @task(4)
    def read_twice(self) -> None:
        """Read the list again, which costs nothing while it has not changed."""
        self.read()
        self.read()

    def _take_in(self, answer: Any, sent: str) -> None:  # noqa: ANN401 - locust's answer has no types
        tag = answer.headers["ETag"]
        told.expect(tag != sent, f"{tag} was sent, and answered whole")
        told.counted["same bytes"] += tag in bodies
        told.expect(bodies.setdefault(tag, answer.content) == answer.content, f"{tag} stands for two bodies")
        self._tag = tag

    def _page(self) -> dict[str, Any]:
        page: dict[str, Any] = json.loads(bodies[self._tag])
        return page

    def _check_order(self, page: dict[str, Any]) -> None:
        """No reader sees the board go back."""
        epoch, _, seq = page["version"].rpartition(":")
        before, self._seen = self._seen, (epoch, int(seq))
        told.expect(before[0] != epoch or before[1] <= int(seq), f"{before} was shown, and then {page['version']}")


def _check_age(page: dict[str, Any], due: dict[str, int]) -> None:
    shown = {entry["userId"]: entry["score"] for entry in page["entries"]}
    last = min(shown.values(), default=0) if len(shown) == LIMIT else 0
    for user_id, score in due.items():
        told.expect(
            shown.get(user_id, last) >= score, f"{user_id} had {score} before the list was asked for: {page['version']}"
        )
