"""What the service answers, in JSON. Pure.

The views build these, so mypy holds them to it, and `/openapi.json` is made of them. A client must pass over fields
it does not know: more may come.
"""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from common.contract.errors import ErrorCode, ErrorDetails
from common.contract.fields import (
    ActionId,
    Avatar,
    BoardId,
    Country,
    Cursor,
    DisplayName,
    ExternalId,
    IdempotencyKey,
    Instant,
    PeriodId,
    Points,
    Rank,
    Score,
    Second,
    Sentence,
    Total,
    UserId,
    Username,
    Version,
)

Seconds = Annotated[int, Field(ge=0, description="In seconds.", examples=[3600])]
Token = Annotated[str, Field(min_length=1, max_length=2048, examples=["eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9…"])]
EventId = Annotated[str, Field(pattern=r"^[0-9]{1,18}$", description="An update's id.", examples=["802"])]
SnapshotId = Annotated[str, Field(pattern=r"^[0-9]{1,18}$", description="A snapshot's id.", examples=["7"])]


SharedPlace = Annotated[
    int,
    Field(
        ge=1,
        description="Only on a board where equal scores share a place: one more than the players who are better.",
        examples=[3],
    ),
]

# -- errors ------------------------------------------------------------------------------------------------------------


class ErrorDescription(TypedDict):
    """What went wrong. The code is stable."""

    code: ErrorCode
    message: Sentence
    details: NotRequired[ErrorDetails]


class Error(TypedDict):
    """The answer to every request that is not a success."""

    error: ErrorDescription


# -- accounts ----------------------------------------------------------------------------------------------------------


class User(TypedDict):
    """An account."""

    userId: UserId
    username: Username
    role: Literal["player", "admin"]


class Registered(TypedDict):
    """The new account."""

    user: User


class Moderated(TypedDict):
    """What has become of a user."""

    user: User
    suspended: Annotated[bool, Field(examples=[True])]


class Login(TypedDict):
    """A session: what a client needs to call and to sign."""

    accessToken: Token
    tokenType: Literal["Bearer"]
    expiresIn: Annotated[Seconds, Field(description="Until the access token expires, in seconds.")]
    refreshToken: Token
    refreshExpiresIn: Annotated[Seconds, Field(description="Until the session ends, in seconds.", examples=[86400])]
    signingKey: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9_-]{43}$",
            description="The session's key for signatures: 32 bytes in base64url.",
            examples=["q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"],
        ),
    ]
    user: User


class PasswordChanged(TypedDict):
    """The password is another one now."""

    status: Literal["changed"]
    sessionsEnded: Annotated[int, Field(ge=0, description="How many other sessions ended.", examples=[2])]


class PasswordReset(TypedDict):
    """The password is another one now, and every session has ended."""

    status: Literal["reset"]


class IssuedResetCode(TypedDict):
    """A code with which a password is set anew, once."""

    code: Annotated[str, Field(min_length=1, max_length=64, examples=["K7WQ2M-PLX4RD-9ZTB3H-AVCE5N"])]
    expiresIn: Annotated[Seconds, Field(examples=[3600])]


class LoggedOut(TypedDict):
    """The session has ended."""

    status: Literal["logged_out"]


class IssuedTicket(TypedDict):
    """A ticket for the live socket, good for one use."""

    ticket: Annotated[
        str, Field(min_length=1, max_length=128, examples=["k3mXvT0pQeWc7dJt1sYbN5uR2aLhF8oG4iZx6KqPwEM"])
    ]
    expiresIn: Annotated[Seconds, Field(examples=[30])]


# -- people ------------------------------------------------------------------------------------------------------------


class Profile(TypedDict):
    """What a player has set to be shown; null where it is not set."""

    displayName: DisplayName | None
    country: Country | None
    avatar: Avatar | None


class Me(TypedDict):
    """The account of whoever asks."""

    user: User
    profile: Profile
    visibility: Annotated[
        Literal["named", "anonymous", "unlisted"],
        Field(description="How they stand on boards: with their name, as somebody, or not at all."),
    ]
    guest: Annotated[bool, Field(description="Whether the account is one for a while only.", examples=[False])]
    createdAt: Instant


class Deleted(TypedDict):
    """The account is deleted."""

    status: Literal["deleted"]


class OwnSession(TypedDict):
    """A login of one's own."""

    sessionId: UserId
    createdAt: Instant
    expiresAt: Instant
    revokedAt: Instant | None


class OwnIdentity(TypedDict):
    """An id by which a game server knows the player."""

    realm: Annotated[str, Field(examples=["default"])]
    externalId: Annotated[str, Field(examples=["steam:7656"])]
    createdAt: Instant


class OwnEvent(TypedDict):
    """An update of one's own, counted or refused."""

    eventId: EventId
    actionId: ActionId
    idempotencyKey: IdempotencyKey
    points: Points
    refusal: ErrorCode | None
    occurredAt: Instant
    acceptedAt: Instant
    recordedAt: Instant


class OwnStanding(TypedDict):
    """A score of one's own on a board in a period."""

    board: BoardId
    period: PeriodId
    score: Score
    lastUpdated: Instant
    listed: Annotated[bool, Field(description="Whether it stands on the board.", examples=[True])]


class OwnData(TypedDict):
    """All that is kept about a player."""

    account: User
    createdAt: Instant
    profile: Profile
    visibility: Literal["named", "anonymous", "unlisted"]
    sessions: list[OwnSession]
    identities: list[OwnIdentity]
    events: list[OwnEvent]
    truncatedAt: NotRequired[
        Annotated[int, Field(description="There are more events than so many.", examples=[50_000])]
    ]
    standings: list[OwnStanding]


class ChangedVisibility(TypedDict):
    """How a player stands on boards from now on."""

    visibility: Literal["named", "anonymous", "unlisted"]


class ChangedProfile(TypedDict):
    """A profile as it is now."""

    user: User
    profile: Profile


# -- boards ------------------------------------------------------------------------------------------------------------


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


# -- updates -----------------------------------------------------------------------------------------------------------


class NamedUpdate(TypedDict):
    """What an update is known by."""

    userId: UserId
    actionId: ActionId
    idempotencyKey: IdempotencyKey


class AppliedUpdate(NamedUpdate):
    """An update with what it was worth."""

    points: Points
    second: NotRequired[Annotated[Second, Field(description="The second score that came with it, unless it is 0.")]]
    appliedAt: Instant


class Accepted(TypedDict):
    """It will be applied exactly once; the outcome is not known yet."""

    status: Literal["accepted"]
    update: NamedUpdate


class AcceptedForLater(Accepted):
    """It will be applied exactly once; `statusUrl` tells the outcome."""

    statusUrl: Annotated[
        str,
        Field(
            pattern=r"^/api/scores/updates/[A-Za-z0-9_-]{8,64}(?:\?userId=[0-9a-f-]{36})?$",
            examples=["/api/scores/updates/round-0001"],
        ),
    ]


class Refusal(TypedDict):
    """Why an update was not counted."""

    code: ErrorCode
    message: Sentence


class BatchRefusal(Refusal):
    """Why one update of a batch was not accepted."""

    index: Annotated[int, Field(ge=0, le=999, description="Its place in the batch, from 0.", examples=[0])]
    idempotencyKey: NotRequired[Annotated[IdempotencyKey, Field(description="Its key, if it has a good one.")]]


class Replay(TypedDict):
    """What is known of an update that was accepted before."""

    idempotencyKey: IdempotencyKey
    status: Literal["accepted", "applied", "refused"]


class BatchAccepted(TypedDict):
    """What became of a batch: its updates are accepted, known already, or refused."""

    accepted: Annotated[int, Field(ge=0, le=1000, description="So many are new and will be applied.", examples=[998])]
    replayed: Annotated[int, Field(ge=0, le=1000, description="So many were accepted before.", examples=[1])]
    refused: list[BatchRefusal]
    replays: NotRequired[Annotated[list[Replay], Field(description="Those that were accepted before, if any were.")]]


class BoardEntry(TypedDict):
    """The player's place on a board, in its longest period."""

    board: BoardId
    period: PeriodId
    score: Score
    second: NotRequired[Annotated[Second, Field(description="Only on a board that has a second score.")]]
    rank: Annotated[Rank | None, Field(description="Null while it is not known.")]
    previousRank: Annotated[Rank | None, Field(description="Null for one who was not ranked.", examples=[9])]
    improved: Annotated[bool, Field(description="Whether this update made the score that stands there.")]


class Applied(TypedDict):
    """It is counted. `entry` is the player's place on the default board, of all time.

    `entries` are the places on all boards that the update counts on, told to the request that waited for it.
    """

    status: Literal["applied"]
    update: AppliedUpdate
    entry: Place
    entries: NotRequired[list[BoardEntry]]
    previousRank: Annotated[
        Rank | None, Field(description="Null for one who was not ranked, and in a late repetition.", examples=[5])
    ]


class Refused(TypedDict):
    """It is not counted, and its key is spent."""

    status: Literal["refused"]
    update: NamedUpdate
    error: Refusal


Receipt = Annotated[Accepted | Applied | Refused, Field(discriminator="status")]


class Receipts(TypedDict):
    """What is known of each update that was asked about, in the order of the request; null for an unknown one."""

    receipts: list[Receipt | None]


class BatchOutcomes(BatchAccepted):
    """What became of a batch that waited for its outcomes."""

    outcomes: Annotated[
        list[Receipt | None], Field(description="In the order of the updates; null for one that was not accepted.")
    ]


class Void(TypedDict):
    """Why an update counts nowhere any more, and since when."""

    at: Instant
    reason: Annotated[str, Field(examples=["a match was counted twice"])]


class PlayerEvent(TypedDict):
    """An update of a player as the ledger has it, counted or refused."""

    eventId: EventId
    actionId: ActionId
    points: Points
    second: Second
    acceptedAt: Instant
    occurredAt: Instant
    boards: Annotated[list[BoardId], Field(description="Those on which it counts; none if it was refused.")]
    refusal: ErrorCode | None
    void: Void | None
    source: NotRequired[
        Annotated[
            str | None,
            Field(
                description="Only to admins and API keys: who sent it. `player`, the id of an API key, `admin:` with "
                "the admin's id, or `command line`; null for a version that did not record it.",
                examples=["player"],
            ),
        ]
    ]


class PlayerEvents(TypedDict):
    """Updates of a player, the newest first."""

    events: list[PlayerEvent]
    nextCursor: Annotated[Cursor | None, Field(description="Where the next page begins; null at the end.")]


# -- for admins --------------------------------------------------------------------------------------------------------

Realm = Annotated[str, Field(description="That of the API keys that may name it.", examples=["default"])]


class RealmIdentity(TypedDict):
    """An id by which a game server knows a player."""

    realm: Realm
    externalId: ExternalId


class FoundPlayer(TypedDict):
    """An account as admins see it."""

    userId: UserId
    username: Username
    role: Literal["player", "admin"]
    displayName: DisplayName | None
    country: Country | None
    externalIds: list[RealmIdentity]
    visibility: Literal["named", "anonymous", "unlisted"]
    suspended: Annotated[bool, Field(examples=[False])]
    createdAt: Instant


class FoundPlayers(TypedDict):
    """Accounts, in the order of their usernames."""

    players: list[FoundPlayer]
    nextCursor: Annotated[Cursor | None, Field(description="Where the next page begins; null at the end.")]


class Disqualification(TypedDict):
    """That a player is off one board, and why."""

    board: BoardId
    at: Instant
    actor: Annotated[
        str, Field(description="An admin's id, the id of an API key, or `command line`.", examples=["command line"])
    ]
    reason: Annotated[str, Field(examples=["a second account"])]


class PlayerState(FoundPlayer):
    """All that decides how a player stands, for admins."""

    avatar: Avatar | None
    suspendedAt: Instant | None
    hasPassword: Annotated[bool, Field(description="Whether somebody can log in with a password.", examples=[True])]
    disqualifications: list[Disqualification]


class AuditEntry(TypedDict):
    """A change that somebody made."""

    id: Annotated[str, Field(pattern=r"^[0-9]{1,19}$", examples=["17"])]
    at: Instant
    actor: Annotated[
        str, Field(description="An admin's id, the id of an API key, or `command line`.", examples=["command line"])
    ]
    action: Annotated[str, Field(examples=["suspend"])]
    subject: Annotated[str, Field(description="Whom or what it was done to.", examples=["main"])]
    details: Annotated[dict[str, Any], Field(examples=[{"reason": "impossible scores"}])]


class AuditPage(TypedDict):
    """Changes, the newest first."""

    entries: list[AuditEntry]
    nextCursor: Annotated[Cursor | None, Field(description="Where the next page begins; null at the end.")]


class ListedKey(TypedDict):
    """An API key without its secret."""

    keyId: Annotated[str, Field(pattern=r"^sbk_[0-9a-f]{20}$", examples=["sbk_5c1d0e8b7a69f4e3d2c1"])]
    name: Annotated[str, Field(examples=["arena"])]
    scopes: Annotated[list[str], Field(examples=[["players", "submit"]])]
    realm: Realm
    actions: Annotated[
        list[str] | None,
        Field(description="What it may submit: ids, or beginnings with a `*`; null: all.", examples=[["lap-*"]]),
    ]
    createdAt: Instant
    previousUntil: Annotated[Instant | None, Field(description="Until then the secret before signs, too.")]
    revokedAt: Instant | None


class ListedKeys(TypedDict):
    """All API keys, the oldest first."""

    keys: list[ListedKey]


# -- players of game servers -------------------------------------------------------------------------------------------


class KnownPlayer(TypedDict):
    """A player of a game server."""

    externalId: ExternalId
    userId: UserId
    created: Annotated[bool, Field(description="Whether the player is new.", examples=[True])]


class PlayerRefusal(Refusal):
    """Why one player was not made."""

    index: Annotated[int, Field(ge=0, le=999, description="Its place in the request, from 0.", examples=[0])]


class KnownPlayers(TypedDict):
    """The players that are there now, in the order of the request, and those that were refused."""

    players: list[KnownPlayer]
    refused: list[PlayerRefusal]


# -- operating ---------------------------------------------------------------------------------------------------------


class Alive(TypedDict):
    """The process answers."""

    status: Literal["ok"]


NEEDED_PARTS = ("postgresql", "redis", "worker", "loops")
"""Parts without which the service is not ready."""

WATCHED_PARTS = ("boards", "tasks", "chores", "updates")
"""Parts that may be degraded while the service serves."""


class Ready(TypedDict):
    """Every part that the service needs is there."""

    status: Annotated[
        Literal["ready", "degraded"],
        Field(description="`degraded`: it serves, and something has to be seen to.", examples=["ready"]),
    ]
    parts: Annotated[
        dict[str, Literal["ok", "degraded"]],
        Field(examples=[dict.fromkeys((*NEEDED_PARTS, *WATCHED_PARTS), "ok")]),
    ]
    degraded: Annotated[
        list[Sentence],
        Field(description="What has to be seen to, by name.", examples=[["main all is not served by Redis"]]),
    ]
