"""The ledger's row: the permanent record of an update. Pure: `common/postgres/ledger.py` reads and writes it."""

from datetime import datetime
from typing import NamedTuple

UpdateKey = tuple[str, str]
"""(user id, idempotency key), which identify an update for ever."""


PLAYER = "player"
"""The source of an update that its own player sent, with an access token."""

OPERATOR = "command line"
"""The source of what an operator does without an account."""

_ADMIN = "admin:"


def source_of_admin(user_id: str) -> str:
    """Return the source of what an admin does."""
    return _ADMIN + user_id


def is_of_admin(source: str | None) -> bool:
    """Return whether an admin or an operator is the source."""
    return source is not None and (source == OPERATOR or source.startswith(_ADMIN))


class LedgerRow(NamedTuple):
    """A recorded update.

    `score_after` is the player's all-time score on the default board right after it. `counts_towards_limits`: it
    counted, and its action has rules (`common/domain/rules.py`), so that later uses are judged by it. `source` says who
    sent the update: `PLAYER`, the id of an API key, an admin (`source_of_admin`), or `OPERATOR`; None for a row of a
    version that did not record it. `left_out`
    are the boards of its action that were closed or not open yet, so that it does not count there; None: none. `points`
    is the value of an action of values, `second` the second score that came with it; both are 0 in a refused row.
    """

    id: int
    user_id: str
    idempotency_key: str
    action_id: str
    action_version: int | None
    points: int
    refusal: str | None
    score_after: int
    occurred_at: datetime
    accepted_at: datetime
    recorded_at: datetime
    counts_towards_limits: bool
    source: str | None = None
    left_out: tuple[str, ...] | None = None
    second: int = 0

    @property
    def key(self) -> UpdateKey:
        return self.user_id, self.idempotency_key
