"""Players who were looked for on a board, as they are told: the best first, with the place among each other. Pure."""

from collections.abc import Mapping
from typing import cast

from common.contract.board_responses import FoundEntries, FoundEntry
from common.domain.entries import Entry, Places

NOBODY = "00000000-0000-0000-0000-000000000000"
"""An id that no user has: asked for beside the others, it tells the size of the board even if there are no others."""


def told(user_ids: Mapping[str, str | None], places: Places, *, by_external_id: bool) -> FoundEntries:
    """Return the body that tells places. `user_ids` has the user id, or None, of each id as it was sent.

    `places` has `NOBODY` among its users.
    """
    sent_of: dict[str, str] = {}
    not_found = []
    for sent, user_id in user_ids.items():
        if user_id is None or places.of[user_id].entry is None:
            not_found.append(sent)
        else:
            sent_of.setdefault(user_id, sent)
    ranked = sorted((entry for user_id in sent_of if (entry := places.of[user_id].entry)), key=lambda each: each.rank)
    entries = [
        _entry(entry, position, sent_of[entry.user_id] if by_external_id else None)
        for position, entry in enumerate(ranked, start=1)
    ]
    return {
        "entries": entries,
        "notFound": not_found,
        "total": places.of[NOBODY].total,
        "version": places.version,
    }


def _entry(entry: Entry, position: int, external_id: str | None) -> FoundEntry:
    found = cast(FoundEntry, {**entry.to_wire(), "position": position})  # mypy lets no row with optional fields grow
    if external_id is not None:
        found["externalId"] = external_id
    return found
