"""Enrolling imported players on boards: through the inbox, for whose room a long file waits."""

import secrets
import time
from collections.abc import Sequence

import click
from sqlalchemy import Engine

from common.domain.enrolments import Enrolment
from common.domain.ledger_row import OPERATOR
from common.redis_store.inbox import Inbox, InboxFullError
from common.services import enrolling
from scoreboard.environment import connected_to_redis, load_settings

_PATIENCE_SECONDS, _POLL_SECONDS = 60.0, 0.2


def enrol(engine: Engine, enrolments: Sequence[Enrolment]) -> None:
    """Enrol players who are committed. Safe to run twice. Without a doorbell, the sweep finds it within two seconds."""
    if not enrolments:
        return
    with connected_to_redis() as client:
        inbox = Inbox.of(client, load_settings())
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                if enrolling.enrol(engine, inbox, enrolments, OPERATOR, secrets.token_hex(8)):
                    inbox.reset_doorbell()
            except InboxFullError:
                if time.monotonic() > deadline:
                    raise click.ClickException("the inbox stays full: import the file again later") from None
                time.sleep(_POLL_SECONDS)
            else:
                return
