"""The outcomes of many updates at once, from Redis or from the ledger."""

from collections.abc import Mapping, Sequence

from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.domain import outcomes
from common.domain.entries import Entry
from common.domain.ledger_row import LedgerRow, UpdateKey
from common.domain.outcomes import Outcome
from common.postgres import ledger, users
from common.redis_store.board import ROWS_PER_CALL
from web.services import Services


def look_up_all(services: Services, update_keys: Sequence[UpdateKey]) -> list[Outcome | None]:
    """Return the outcome of each of these updates, or None for one that neither Redis nor the ledger knows."""
    found = dict(zip(update_keys, services.inbox.receipts(update_keys), strict=True))
    missing = [update_key for update_key, outcome in found.items() if outcome is None]
    if missing:
        found |= _from_ledger(services, missing)
    return [found[update_key] for update_key in update_keys]


def _from_ledger(services: Services, update_keys: Sequence[UpdateKey]) -> Mapping[UpdateKey, Outcome]:
    with services.engine.connect() as connection:
        rows = ledger.find(connection, update_keys)
        names = users.find_usernames(connection, {row.user_id for row in rows.values()})
    entries = _entries_of(services, sorted(names))
    return {row.key: _outcome(row, names[row.user_id], entries.get(row.user_id)) for row in rows.values()}


def _outcome(row: LedgerRow, username: str, entry: Entry | None) -> Outcome:
    return outcomes.recorded(row, username, entry.rank if entry else None, entry.updated_at if entry else None)


def _entries_of(services: Services, user_ids: Sequence[str]) -> Mapping[str, Entry]:
    """Return the entries of these users on the default board; none while Redis does not serve it."""
    entries = {}
    for start in range(0, len(user_ids), ROWS_PER_CALL):
        places = services.leaderboard.live_places(DEFAULT_BOARD, ALL_TIME, user_ids[start : start + ROWS_PER_CALL])
        for user_id, place in places.of.items() if places else ():
            if place.entry:
                entries[user_id] = place.entry
    return entries
