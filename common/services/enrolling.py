"""Enrolling players on boards: what is not recorded yet goes through the inbox, as every update does."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from sqlalchemy import Engine

from common.domain.enrolments import Enrolment
from common.postgres import ledger, reserved_actions
from common.redis_store.inbox import Inbox

AT_ONCE = 1_000
"""The most enrolments that are accepted in one step."""


def enrol(engine: Engine, inbox: Inbox, enrolments: Sequence[Enrolment], source: str, request_id: str) -> bool:
    """Accept the enrolments that are new. Returns whether a doorbell is due. Safe to run twice.

    Who is enrolled already is found in the ledger, or else by the receipt. Raises InboxFullError; the steps before it
    are then accepted.
    """
    if not enrolments:
        return False
    actions = {each.action.id: each.action for each in enrolments}
    with engine.begin() as connection:
        reserved_actions.ensure(connection, actions.values())
    ring = False
    for some in _slices(enrolments):
        with engine.connect() as connection:
            known = ledger.find(connection, [each.key for each in some])
        now = datetime.now(UTC)
        new = [each.to_update(source, request_id, now) for each in some if each.key not in known]
        if new:
            ring = inbox.accept_all(new)[0] or ring
    return ring


def _slices(enrolments: Sequence[Enrolment]) -> Iterator[Sequence[Enrolment]]:
    for start in range(0, len(enrolments), AT_ONCE):
        yield enrolments[start : start + AT_ONCE]
