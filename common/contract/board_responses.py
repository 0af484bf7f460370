"""What the service answers about boards: rows, places, pages and snapshots, in JSON. Pure."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from common.contract.fields import (
    Avatar,
    BoardId,
    Country,
    Cursor,
    Day,
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
    moved: NotRequired[
        Annotated[
            int | None,
            Field(
                description="Only with `movement=day`: the places gained since yesterday, less than 0 where they were "
                "lost; null for who was not active yesterday, or is not named.",
                examples=[2],
            ),
        ]
    ]


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
    asOf: NotRequired[Annotated[Instant, Field(description="With `at`: the instant of the rows.")]]
    snapshotId: NotRequired[Annotated[SnapshotId, Field(description="With `at`: the snapshot that has the rows.")]]


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


Digest = Annotated[
    str,
    Field(
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 in hex.",
        examples=["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ),
]


class ListedPeriod(TypedDict):
    """A period of a board that ends: a day, a week, a month or a season."""

    period: PeriodId
    startsAt: Instant
    endsAt: Instant
    state: Annotated[
        Literal["open", "closed", "ranked"],
        Field(
            description="`closed`: its standings are final. `ranked`: so are the ranks, and there is a digest.",
            examples=["ranked"],
        ),
    ]
    total: Annotated[int | None, Field(ge=0, description="The players of its final table.", examples=[1234])]
    revision: Annotated[int, Field(ge=1, description="1, and one more for each amendment.", examples=[1])]
    digest: Annotated[Digest | None, Field(description="Of its final table, as it was shown when it was ranked.")]
    previousDigest: Annotated[
        Digest | None, Field(description="With which `digest` begins: of the period before, or 64 zeros.")
    ]


class PeriodPage(TypedDict):
    """Periods of a board in which somebody has scored, those that began last first."""

    periods: list[ListedPeriod]
    nextCursor: Annotated[Cursor | None, Field(description="Where the next page begins; null at the end.")]


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


class DayOfPlayer(TypedDict):
    """Where a player stood when a day was over: on the board of all time."""

    day: Day
    score: Score
    rank: Rank
    total: Total


class PlayerHistory(TypedDict):
    """The days on which a player was active on a board, the oldest first, and where they stand now."""

    board: BoardId
    points: list[DayOfPlayer]
    now: PlayerPlace


class Placement(TypedDict):
    """The final place of a player in a period that is over. `total` is of when the final ranks were made."""

    board: BoardId
    period: PeriodId
    rank: Rank
    total: Total
    score: Score
    second: NotRequired[Annotated[Second, Field(description="Only on a board that has a second score.")]]
    closedAt: Instant


class Placements(TypedDict):
    """Final places of a player, those of the newest periods first."""

    placements: list[Placement]
    nextCursor: Annotated[Cursor | None, Field(description="Where the next page begins; null at the end.")]


class RacePoint(TypedDict):
    """The score of a player at an instant."""

    at: Instant
    score: Score


class RaceSeries(TypedDict):
    """The way of a player to where they are now. They have no point where they were not among the first 100."""

    userId: UserId
    username: Username
    displayName: NotRequired[DisplayName]
    points: list[RacePoint]


class Race(TypedDict):
    """The ways of those who lead a board now, the leader first."""

    board: BoardId
    period: PeriodId
    series: list[RaceSeries]
