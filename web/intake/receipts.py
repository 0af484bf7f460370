"""The outcomes of many updates at once, from Redis or from the ledger."""

from collections.abc import Mapping, Sequence

from common.contract.constants import ALL_TIME, DEFAULT_BOARD
from common.contract.requests import AskedUpdate
from common.domain import outcomes
from common.domain.entries import Entry
from common.domain.ledger_row import LedgerRow, UpdateKey
from common.domain.outcomes import Outcome
from common.postgres import identities, ledger, users
from common.redis_store.board import ROWS_PER_CALL
from web.services import Services


def look_up_all(services: Services, update_keys: Sequence[UpdateKey]) -> list[Outcome | None]:
    """Return the outcome of each of these updates, or None for one that neither Redis nor the ledger knows."""
    found = dict(zip(update_keys, services.inbox.receipts(update_keys), strict=True))
    missing = [update_key for update_key, outcome in found.items() if outcome is None]
    if missing:
        found |= _from_ledger(services, missing)
    return [found[update_key] for update_key in update_keys]


def look_up_asked(services: Services, asked: Sequence[AskedUpdate], realm: str) -> list[Outcome | None]:
    """Return the outcome of each update that a game server asks about, or None.

    None is also what is known of users whom an API key of this realm may not name.
    """
    with services.engine.connect() as connection:
        by_external_id = identities.find(connection, realm, {each.external_id for each in asked if each.external_id})
        user_ids = [
            by_external_id.get(each.external_id) if each.external_id else (each.user_id or "").lower() for each in asked
        ]
        nameable = identities.find_nameable(connection, realm, {user_id for user_id in user_ids if user_id})
    wanted = {
        index: (user_id, each.idempotency_key)
        for index, (user_id, each) in enumerate(zip(user_ids, asked, strict=True))
        if user_id in nameable
    }
    found = dict(zip(wanted, look_up_all(services, list(wanted.values())), strict=True))
    return [found.get(index) for index in range(len(asked))]


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
