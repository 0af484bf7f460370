"""What readers of a board see: its rows, its head, and the place of a player. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from common.contract import responses
from common.core.timestamps import format_milliseconds


@dataclass(frozen=True)
class Entry:
    """A ranked player. `rank` counts from 1; `updated_at` is Unix time in milliseconds.

    `second` is the second score, None on a board that has none. `place` is one more than the number of players who are
    better by score and second score; None where equal scores share no place.
    """

    user_id: str
    username: str
    score: int
    rank: int
    updated_at: int
    second: int | None = None
    place: int | None = None

    def to_wire(self) -> responses.Entry:
        entry: responses.Entry = {
            "userId": self.user_id,
            "username": self.username,
            "score": self.score,
            "rank": self.rank,
            "lastUpdated": format_milliseconds(self.updated_at),
        }
        if self.second is not None:
            entry["second"] = self.second
        if self.place is not None:
            entry["place"] = self.place
        return entry


def with_places(entries: Iterable[Entry], first_place: int) -> tuple[Entry, ...]:
    """Return entries that follow each other with the places that equal scores share, given the place of the first."""
    placed: list[Entry] = []
    for entry in entries:
        place = entry.rank if placed else first_place
        if placed and (placed[-1].score, placed[-1].second) == (entry.score, entry.second):
            place = placed[-1].place or place
        placed.append(replace(entry, place=place))
    return tuple(placed)


def place_on_the_wire(
    user_id: str, username: str, score: int, rank: int | None, updated_at: int | None
) -> responses.Place:
    """Return a place as JSON; `rank` and `updated_at` (ms) are null for a player who is not ranked."""
    return {
        "userId": user_id,
        "username": username,
        "score": score,
        "rank": rank,
        "lastUpdated": None if updated_at is None else format_milliseconds(updated_at),
    }


@dataclass(frozen=True)
class BoardHead:
    """The head of a board, all of one instant. `at` (ms) is when its newest change was committed."""

    epoch: str
    seq: int
    at: int
    total: int
    entries: tuple[Entry, ...]

    @property
    def version(self) -> str:
        return version_of(self.epoch, self.seq)


@dataclass(frozen=True)
class Place:
    """The place of a known user on a board of `total` players; `entry` is None for a user who is not ranked."""

    user_id: str
    username: str
    total: int
    entry: Entry | None

    def with_username(self, username: str | None) -> "Place":
        """Return the place with this username, if it had none."""
        if self.username or not username:
            return self
        entry = replace(self.entry, username=username) if self.entry else None
        return replace(self, username=username, entry=entry)

    def to_wire(self) -> responses.Place:
        """Return the place as JSON. A player who is not ranked has 0 points and no rank."""
        entry = self.entry
        if entry:
            return {**entry.to_wire()}
        return place_on_the_wire(self.user_id, self.username, 0, None, None)


class Places(NamedTuple):
    """The places of some users at one instant, by user id."""

    epoch: str
    seq: int
    of: Mapping[str, Place]

    @property
    def version(self) -> str:
        return version_of(self.epoch, self.seq)


def version_of(epoch: str, seq: int) -> str:
    """Return the version of a board as `epoch:seq`. Two versions are equal only if the contents are."""
    return f"{epoch}:{seq}"
