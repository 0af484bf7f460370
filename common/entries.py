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
        return entry_on_the_wire(self.user_id, self.username, self.score, self.rank, self.updated_at)


def entry_on_the_wire(
    user_id: str, username: str, score: int, rank: int | None, updated_at: int | None
) -> dict[str, object]:
    """The entry's JSON; `rank` and `updated_at` (ms) are null for a player who is not ranked."""
    return {
        "userId": user_id,
        "username": username,
        "score": score,
        "rank": rank,
        "lastUpdated": None if updated_at is None else format_instant(from_milliseconds(updated_at)),
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
