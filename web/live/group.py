"""The viewers of one (board, period, limit), and the head that was last sent to them. It knows no socket."""

from dataclasses import replace
from typing import NamedTuple

from common.domain.boards import Visibility
from common.domain.entries import BoardHead
from common.domain.seasons import Season
from web.live import frames
from web.live.viewer import Viewer


class Watch(NamedTuple):
    """The board, period and number of rows that a viewer watches; `period` is a name or an id."""

    board_id: str
    period: str
    limit: int


class Group:
    """All viewers that get the same frames. Its state is the head that was last sent, so that deltas always chain."""

    def __init__(self, watch: Watch, period_id: str, top: BoardHead, season: Season | None = None) -> None:
        self.watch = watch
        self.admitted_while = Visibility.HIDDEN
        """The least strict visibility that the board had when one of the viewers was admitted."""
        self.viewers: set[Viewer] = set()
        self.expected = 0
        """The number of viewers that are admitted and not connected yet."""
        self.last_sent_at = 0.0
        self.last_read_at = 0.0
        self.period_id = period_id
        self.season = season
        """The season that viewers were told of: the one that is shown, or else the one that is open on the board."""
        self.season_now = season
        """The same as it is by now."""
        self.version = top.version
        """The version of the board that was last read, also if nothing was sent of it."""
        self._top = replace(top, entries=top.entries[: watch.limit])
        self._snapshot: bytes | None = None

    def admit(self, visibility: Visibility) -> None:
        """Expect a viewer who was admitted while the board had this visibility."""
        self.expected += 1
        if self.admitted_while.is_stricter_than(visibility):
            self.admitted_while = visibility

    @property
    def is_deserted(self) -> bool:
        return not self.viewers and not self.expected

    @property
    def has_other_season(self) -> bool:
        """Whether viewers were told of another season than there is by now, or of another end or title of it."""
        return self.season_now != self.season

    def welcome(self, since: str | None) -> bytes:
        """Return the first frame for a new viewer."""
        return frames.resumed(self._top, self.season) if since == self._top.version else self.snapshot

    def advance(self, period_id: str, top: BoardHead) -> bytes | None:
        """Store a new head, and return the frame to send to all viewers; None if nothing changed."""
        top = replace(top, entries=top.entries[: self.watch.limit])
        before = self._top
        self.version = top.version
        if period_id != self.period_id:
            self._show(period_id, top)
            return frames.rollover(self.watch.board_id, period_id) + self.snapshot
        if top.epoch != before.epoch or top.seq < before.seq or self.has_other_season:
            self._show(period_id, top)
            return self.snapshot
        # A new name is there a moment before the version of the board that shows it: it is sent with that one.
        frame = frames.delta(before, top) if top.seq > before.seq else None
        if frame:
            self._show(period_id, top)
        return frame

    @property
    def snapshot(self) -> bytes:
        """Return the frame of the whole head that was last sent; it is encoded when the first viewer needs it."""
        if self._snapshot is None:
            watch = self.watch
            self._snapshot = frames.snapshot(watch.board_id, self.period_id, watch.limit, self._top, self.season)
        return self._snapshot

    def _show(self, period_id: str, top: BoardHead) -> None:
        self.period_id = period_id
        self.season = self.season_now
        self._top = top
        self._snapshot = None
