"""The one gate between what the stores know of players and what anybody is shown. Pure.

Entries pass it where heads, pages and places are made (`common/services/leaderboard.py`), before the live hub compares
two heads: whoever stops being named leaves a board under one id and enters it under another, as an ordinary change
(ADR 27).
"""

from dataclasses import replace
from enum import Enum

from common.domain.details import ANONYMOUS, Details, PlayerVisibility
from common.domain.entries import Entry
from common.domain.stand_ins import StandIns


class Viewer(Enum):
    """Who looks: anybody, or somebody who may know who everybody is."""

    ANYBODY = "anybody"
    INSIDER = "insider"


_NAMELESS = Details(ANONYMOUS)


class Gate:
    """The gate of a service."""

    def __init__(self, stand_ins: StandIns) -> None:
        self.stand_ins = stand_ins

    def shown(self, board_id: str, entry: Entry, viewer: Viewer) -> Entry:
        """Return an entry as this viewer may see it.

        Who is unlisted stands on no open board; on one that was final before, the row stays, and nobody knows whose.
        """
        if entry.visibility is PlayerVisibility.NAMED:
            return entry
        if viewer is Viewer.INSIDER:
            return replace(entry, visibility=PlayerVisibility.NAMED)
        return replace(entry.with_details(_NAMELESS), user_id=self.stand_ins.of(board_id, entry.user_id))
