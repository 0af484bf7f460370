"""What a correction is about: ledger rows of a span of time, and what becomes of the scores. Pure."""

from datetime import datetime
from typing import NamedTuple


class Span(NamedTuple):
    """Updates that were accepted in a span of time, both ends included; with `action_id`, only those of this action."""

    since: datetime
    until: datetime
    action_id: str | None = None


class Told(NamedTuple):
    """What is told of a correction for the audit log: why it is made, and whether closed periods are amended.

    `amends` is None where a void is taken back as it was made.
    """

    reason: str
    amends: bool | None = False
