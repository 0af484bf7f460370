"""What readers of a board see: its rows, its head, and the place of a player. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

from common.contract import board_responses
from common.core.timestamps import format_milliseconds
from common.domain.details import Details, PlayerVisibility


@dataclass(frozen=True)
class Entry:
    """A ranked player. `rank` counts from 1; `updated_at` is Unix time in milliseconds.

    `second` is the second score, None on a board that has none. `place` is one more than the number of players who are
    better by score and second score; None where equal scores share no place.

    As a store has it, the entry of a player who is not named says so in `visibility`, and is shown to nobody before it
    has passed `common/domain/shown.py`.
    """

    user_id: str
    username: str
    score: int
    rank: int
    updated_at: int
    second: int | None = None
    place: int | None = None
    display_name: str | None = None
    country: str | None = None
    avatar: int | None = None
    visibility: PlayerVisibility = PlayerVisibility.NAMED

    def with_details(self, details: Details) -> "Entry":
        """Return the entry with all that is known of its player."""
        numbers = (self.score, self.rank, self.updated_at, self.second, self.place)
        return Entry(self.user_id, details.username, *numbers, *details[1:])

    def to_wire(self) -> board_responses.Entry:
        if self.visibility is not PlayerVisibility.NAMED:
            raise RuntimeError("this entry must pass the gate before it is shown")
        return self._to_wire()

    def to_its_player(self) -> board_responses.Entry:
        """Return the entry as JSON for the player whose it is, whatever others are shown."""
        return self._to_wire()

    def _to_wire(self) -> board_responses.Entry:
        entry: board_responses.Entry = {
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
        if (self.display_name, self.country, self.avatar) == (None, None, None):
            return entry
        return {**entry, **profile_on_the_wire(self.display_name, self.country, self.avatar)}


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
) -> board_responses.Place:
    """Return a place as JSON; `rank` and `updated_at` (ms) are null for a player who is not ranked."""
    return {
        "userId": user_id,
        "username": username,
        "score": score,
        "rank": rank,
        "lastUpdated": None if updated_at is None else format_milliseconds(updated_at),
    }


def profile_on_the_wire(
    display_name: str | None, country: str | None, avatar: int | None
) -> board_responses.ShownProfile:
    """Return as JSON what a player has set, without what they have not."""
    told: board_responses.ShownProfile = {}
    if display_name is not None:
        told["displayName"] = display_name
    if country is not None:
        told["country"] = country
    if avatar is not None:
        told["avatar"] = avatar
    return told


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


class Unlisted(NamedTuple):
    """What a player has on a board on which they do not stand, because they do not want to.

    `would_rank` is where they would; like `updated_at` (ms), it is None for one who has not scored. `second` is None if
    it is 0, as on every board that has no second score.
    """

    score: int
    would_rank: int | None
    updated_at: int | None
    second: int | None = None


@dataclass(frozen=True)
class Place:
    """The place of a known user on a board of `total` players; `entry` is None for a user who is not ranked.

    Only in a player's own view of themselves: `listed_as` is the id of their row on the board where it is not their
    own, and `unlisted` what they have where they have no row.
    """

    user_id: str
    username: str
    total: int
    entry: Entry | None
    details: Details | None = None
    listed_as: str | None = None
    unlisted: Unlisted | None = None

    def is_told_as(self, other: "Place") -> bool:
        """Return whether two places are told alike, apart from how many players there are."""
        return (self.entry, self.listed_as, self.unlisted) == (other.entry, other.listed_as, other.unlisted)

    def with_details(self, details: Details | None) -> "Place":
        """Return the place with these details, if it had none."""
        if self.details or details is None:
            return self
        entry = self.entry.with_details(details) if self.entry else None
        return replace(self, username=details.username, entry=entry, details=details)

    def to_wire(self) -> board_responses.Place:
        """Return the place as JSON. A player who is not ranked has 0 points and no rank."""
        told = cast(board_responses.Place, self.entry.to_its_player()) if self.entry else self._unranked()
        if self.listed_as is not None:
            told["listedAs"] = self.listed_as
        return told

    def _unranked(self) -> board_responses.Place:
        unlisted = self.unlisted or Unlisted(0, None, None)
        told = place_on_the_wire(self.user_id, self.username, unlisted.score, None, unlisted.updated_at)
        if unlisted.second is not None:
            told["second"] = unlisted.second
        if self.unlisted:
            told.update({"listed": False, "wouldRank": unlisted.would_rank, "why": "unlisted"})
        return {**told, **profile_on_the_wire(*self.details[1:4])} if self.details else told


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
