"""Accepting an admin's adjustment: leave its trace, and let it take the way of every update."""

from datetime import UTC, datetime

from common.domain.adjustments import Adjustment
from common.postgres import adjustments
from common.postgres.audit import Actor
from web.intake import updates
from web.intake.updates import UpdateResult
from web.services import Services


def submit(
    services: Services, adjustment: Adjustment, actor: Actor, request_id: str, wait_seconds: float
) -> UpdateResult:
    """Accept an adjustment, or find the earlier outcome of its key, and wait for it: at most `wait_seconds` in all.

    Where the board takes nothing now, the key is not spent on that.
    """
    adjustment.check()
    now = datetime.now(UTC)
    if updates.look_up(services, adjustment.user_id, adjustment.idempotency_key) is None:
        adjustment.check_open(now)
        with services.engine.begin() as connection:
            adjustments.note(connection, adjustment, actor)
    return updates.take(services, adjustment.to_update(request_id, now), wait_seconds)
