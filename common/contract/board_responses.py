"""What the service answers about boards: rows, places, pages and snapshots, in JSON. Pure."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from common.contract.fields import (
    Avatar,
    BoardId,
    Country,
    Cursor,
    DisplayName,
    ExternalId,
    Instant,
    PeriodId,
    Rank,
    Score,
    Second,
    Total,
    UserId,
    Username,
    Version,
)

SnapshotId = Annotated[str, Field(pattern=r"^[0-9]{1,18}$", description="A snapshot's id.", examples=["7"])]
SharedPlace = Annotated[
    int,
    Field(
        ge=1,
        description="Only on a board where equal scores share a place: one more than the players who are better.",
        examples=[3],
    ),
]


class ShownProfile(TypedDict, total=False):
    """What a player has set to be shown; what is not set is left out."""

    displayName: DisplayName
    country: Country
    avatar: Avatar


class Entry(ShownProfile):
    """A player's row on a board."""

    userId: UserId
    username: Username
    score: Score
    second: NotRequired[Annotated[Second, Field(description="Only on a board that has a second score.")]]
    rank: Rank
    place: NotRequired[SharedPlace]
    lastUpdated: Instant


class Place(ShownProfile):
    """Where a player stands; one who has not scored has 0 points, no rank and no instant."""

    userId: UserId
    username: Username
    score: Score
    second: NotRequired[Annotated[Second, Field(description="Only on a board that has a second score.")]]
    rank: Rank | None
    place: NotRequired[SharedPlace]
    lastUpdated: Instant | None
    listedAs: NotRequired[
        Annotated[
            UserId,
            Field(description="Only to oneself, and only where it is another one: the id of one's row on the board."),
        ]
    ]
    listed: NotRequired[Annotated[bool, Field(description="Only to oneself: false if one is on no board.")]]
    wouldRank: NotRequired[
        Annotated[Rank | None, Field(description="With `listed`: the rank that one would have.", examples=[4])]
    ]
    why: NotRequired[Annotated[Literal["unlisted"], Field(description="With `listed`: why. More reasons may come.")]]


class PlayerPlace(Place):
    """Where a player stands among how many."""

    total: Total
    percentile: Annotated[
        float | None,
        Field(
            ge=0, le=100, description="The share of players that this one is level with or ahead of.", examples=[99.84]
        ),
    ]


class WouldStand(TypedDict):
    """Where somebody would stand who reaches a score now."""

    rank: Rank


class LeaderboardPage(TypedDict):
    """Rows of a board, all of one instant."""

    board: BoardId
    period: PeriodId
    periodEndsAt: Annotated[Instant | None, Field(description="Null for `all`.", examples=[None])]
    entries: list[Entry]
    total: Total
    nextCursor: Annotated[Cursor | None, Field(description="Where the next page begins; null at the end.")]
    previousCursor: Annotated[
        Cursor | None, Field(description="Where the page before begins; null at the start.", examples=[None])
    ]
    version: Version
    found: NotRequired[Annotated[bool, Field(description="With `around`: whether that player is ranked.")]]
    would: NotRequired[Annotated[WouldStand, Field(description="With `aroundScore`.")]]


CsvFile = Annotated[
    str,
    Field(
        description="UTF-8, lines that end with CR LF, the names of the columns first. What a row does not have is an "
        "empty cell.",
        examples=[
            "rank,place,userId,username,displayName,country,score,second,lastUpdated\r\n"
            "1,,3f2b8c1e-5d4a-4c3b-9a2e-7f6d5c4b3a21,ada,Ada Lovelace,GB,125,,2026-11-23T09:15:00.123Z\r\n"
        ],
    ),
]


class BoardFile(TypedDict):
    """A whole board, all of one instant."""

    board: BoardId
    period: PeriodId
    asOf: Annotated[Instant, Field(description="The instant that the rows are of.")]
    entries: list[Entry]
    total: Total


class TeamStanding(TypedDict):
    """A team's place in a feed for CTFtime."""

    pos: Rank
    team: Annotated[str, Field(description="The display name, or else the username.", examples=["Ada Lovelace"])]
    score: Score
    lastAccept: Annotated[int, Field(ge=0, description="When it last scored, in Unix seconds.", examples=[1795425300])]


class CtftimeFeed(TypedDict):
    """A whole board as CTFtime reads it."""

    standings: list[TeamStanding]


class FoundEntry(Entry):
    """The row of a player who was looked for."""

    position: Annotated[int, Field(ge=1, description="The place among those who were looked for.", examples=[1])]
    externalId: NotRequired[ExternalId]


class FoundEntries(TypedDict):
    """Players on a board, all of one instant, the best first."""

    entries: list[FoundEntry]
    notFound: Annotated[
        list[str], Field(description="The ids of those who are not on the board, as they were sent.", examples=[[]])
    ]
    total: Total
    version: Version


class PlaceOnBoard(TypedDict):
    """Where a player stands on one board."""

    board: BoardId
    period: PeriodId
    score: Score
    rank: Rank
    total: Total


class PlayerBoards(TypedDict):
    """The boards on which a player stands, in order of their ids."""

    boards: list[PlaceOnBoard]


class SnapshotSummary(TypedDict):
    """A board as it was, without its rows."""

    id: SnapshotId
    board: BoardId
    period: PeriodId
    takenAt: Instant
    total: Total


class StoredSnapshot(SnapshotSummary):
    """A board as it was: its first 100 rows."""

    entries: list[Entry]


class SnapshotPage(TypedDict):
    """Snapshots of a board, the newest first."""

    snapshots: list[SnapshotSummary]
    nextCursor: Annotated[Cursor | None, Field(description="Where the next page begins; null at the end.")]
