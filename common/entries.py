"""A row of a board as everybody sees it."""

from dataclasses import dataclass

from common.timestamps import format_instant, from_milliseconds


@dataclass(frozen=True)
class Entry:
    """A ranked player. `rank` counts from 1; `updated_at` is Unix time in milliseconds."""

    user_id: str
    username: str
    score: int
    rank: int
    updated_at: int

    def to_wire(self) -> dict[str, object]:
        return {
            "userId": self.user_id,
            "username": self.username,
            "score": self.score,
            "rank": self.rank,
            "lastUpdated": format_instant(from_milliseconds(self.updated_at)),
        }


@dataclass(frozen=True)
class Top:
    """The head of a board, all of one instant. `at` (ms) is when its newest change was committed."""

    epoch: str
    seq: int
    at: int
    total: int
    entries: tuple[Entry, ...]

    @property
    def version(self) -> str:
        return f"{self.epoch}:{self.seq}"


@dataclass(frozen=True)
class Place:
    """Where one known user stands on a board of `total` players; `entry` is None for one who is not ranked."""

    user_id: str
    username: str
    total: int
    entry: Entry | None
