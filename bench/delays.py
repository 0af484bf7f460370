"""From sending an update to the frame in which a viewer sees it.

Every update adds one point, so a player's score says how many of their updates a frame shows.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Sent(NamedTuple):
    """An update: whose it is, and when it was due (seconds)."""

    user_id: str
    at: float


class Seen(NamedTuple):
    """A frame: when it came (seconds), and the scores in it by user id."""

    at: float
    scores: Mapping[str, int]


def delays(start: Mapping[str, int], sent: Sequence[Sent], frames: Sequence[Seen]) -> list[float]:
    """Return the milliseconds of each update that was seen, in the order in which they were.

    `start` are the scores before the first update. Updates that no frame shows are left out.
    """
    waiting: dict[str, list[float]] = {}
    for update in sent:
        waiting.setdefault(update.user_id, []).append(update.at)
    shown: dict[str, int] = {}
    found = []
    for frame in frames:
        for user_id, score in frame.scores.items():
            first, last = shown.get(user_id, 0), score - start.get(user_id, 0)
            found += [(frame.at - at) * 1000 for at in waiting.get(user_id, ())[first:last]]
            shown[user_id] = max(first, last)
    return found
