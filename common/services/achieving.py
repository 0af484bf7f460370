"""Achievements that no update decides: what game servers grant, and what admins take back."""

from collections.abc import Mapping
from typing import NamedTuple

import structlog
from sqlalchemy import Engine, text

from common.domain.achievements import StepKey, Steps
from common.domain.scoring import Catalogue
from common.postgres import audit, checkpoint, ledger, unlocks
from common.postgres.audit import Actor
from common.redis_store.inbox import Inbox
from common.services import unlock_news

log = structlog.get_logger(__name__)

_NOW = text("SELECT date_trunc('milliseconds', now())")


class Granted(NamedTuple):
    """What became of grants: which unlocked something, and which were further steps on the way."""

    unlocked: frozenset[StepKey]
    progressed: frozenset[StepKey]


def grant(engine: Engine, inbox: Inbox, catalogue: Catalogue, steps: Mapping[StepKey, Steps]) -> Granted:
    """Let players have at least so many steps. Safe to repeat.

    All that is at its goal is announced, also where it was before: whoever was to announce it may have died.
    """
    with engine.begin() as connection:
        new, moved = unlocks.grant(connection, steps, connection.scalars(_NOW).one())
        at_goal = unlocks.among(connection, [key for key, each in steps.items() if each.taken >= each.goal])
    unlock_news.announce(inbox, at_goal)
    unlock_news.count(catalogue, new)
    unlocked = frozenset(StepKey(each.user_id, each.achievement_id, each.scope) for each in new)
    return Granted(unlocked, frozenset(moved) - unlocked)


def revoke(
    engine: Engine, achievement_id: str, user_id: str, *, reason: str, actor: Actor, scope: str | None = None
) -> int:
    """Take an achievement back, and return in how many scopes the player had it. It may be earned again.

    Safe to repeat. Raises OperationalError, with nothing changed, if batches do not let it have the ledger in a second.
    """
    with engine.begin() as connection:
        checkpoint.hold(connection)
        ledger.lock_exclusive(connection)
        revoked = unlocks.revoke(connection, user_id, achievement_id, scope)
        if revoked:
            details = {"user": user_id, "scope": scope, "scopes": revoked, "reason": reason}
            audit.add(connection, actor, "revoke_achievement", achievement_id, **details)
    if revoked:
        log.info("achievement_revoked", achievement=achievement_id, user_id=user_id, actor=actor.name)
    return revoked
