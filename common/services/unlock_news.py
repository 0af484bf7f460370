"""Telling viewers of what was unlocked.

A message may be lost or come twice: whoever connects is told all that they have.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import orjson
import redis
import structlog

from common.core import metrics
from common.domain.achievements import Unlock
from common.domain.scoring import Catalogue
from common.redis_store.inbox import Inbox

log = structlog.get_logger(__name__)

_FIELD = "unlocked"


def field_of(unlocked: Sequence[Unlock]) -> dict[str, object]:
    """Return the field of the news that has unlocks, each as [user id, achievement id, scope, when in ms], if any."""
    return {_FIELD: [tuple(unlock) for unlock in unlocked]} if unlocked else {}


def in_news(news: Mapping[str, object]) -> list[Unlock]:
    """Return the unlocks in news. Raises ValueError or TypeError for what no version of ours has written."""
    field = news.get(_FIELD, [])
    if not isinstance(field, list):
        raise TypeError("no list of unlocks")
    return [
        Unlock(str(user_id), str(achievement_id), str(scope), int(at)) for user_id, achievement_id, scope, at in field
    ]


def announce(inbox: Inbox, unlocked: Sequence[Unlock]) -> None:
    """Tell viewers of unlocks that are committed and that no batch announces. If Redis is away, nobody is told."""
    if not unlocked:
        return
    try:
        inbox.announce(orjson.dumps({"boards": [], "players": [], **field_of(unlocked)}))
    except redis.RedisError as error:
        log.warning("unlocks_not_announced", unlocks=len(unlocked), error=type(error).__name__)


def count(catalogue: Catalogue, new: Sequence[Unlock]) -> None:
    """Count unlocks that were not there before, by the kinds of their achievements."""
    known = catalogue.achievements
    kinds = Counter(known[unlock.achievement_id].kind for unlock in new if unlock.achievement_id in known)
    for kind, unlocks in kinds.items():
        metrics.UNLOCKS.labels(kind.value).inc(unlocks)
