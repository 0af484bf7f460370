"""What the service answers, in JSON. Pure.

The views build these, so mypy holds them to it, and `/openapi.json` is made of them. A client must pass over fields
it does not know: more may come.
"""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from common.contract.account_responses import User
from common.contract.achievements import AchievementId, Scope, StepCount
from common.contract.board_responses import Place
from common.contract.errors import ErrorCode, ErrorDetails
from common.contract.fields import (
    ActionId,
    Avatar,
    BoardId,
    Country,
    Cursor,
    Day,
    DisplayName,
    EventId,
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
)

# -- errors ------------------------------------------------------------------------------------------------------------


class ErrorDescription(TypedDict):
    """What went wrong. The code is stable."""

    code: ErrorCode
    message: Sentence
    details: NotRequired[ErrorDetails]


class Error(TypedDict):
    """The answer to every request that is not a success."""

    error: ErrorDescription


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


class Void(TypedDict):
    """That an update counts no more: since when, and why."""

    at: Instant
    reason: Annotated[str, Field(examples=["scored with a modified client"])]


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
    void: Annotated[Void | None, Field(description="Null: it counts, unless it was refused.")]


class OwnStanding(TypedDict):
    """A score of one's own on a board in a period."""

    board: BoardId
    period: PeriodId
    score: Score
    lastUpdated: Instant
    listed: Annotated[bool, Field(description="Whether it stands on the board.", examples=[True])]


class OwnUnlock(TypedDict):
    """An achievement of the player."""

    achievementId: AchievementId
    scope: Scope
    unlockedAt: Instant


class OwnSteps(TypedDict):
    """How far the player has come towards an achievement."""

    achievementId: AchievementId
    scope: Scope
    steps: StepCount


class OwnMark(TypedDict):
    """Where one stood on a board when a day was over, and of which instant that is."""

    board: BoardId
    day: Day
    at: Instant
    score: Score
    rank: Rank
    total: Total


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
    achievements: list[OwnUnlock]
    steps: list[OwnSteps]
    marks: list[OwnMark]


class ChangedVisibility(TypedDict):
    """How a player stands on boards from now on."""

    visibility: Literal["named", "anonymous", "unlisted"]


class ChangedProfile(TypedDict):
    """A profile as it is now."""

    user: User
    profile: Profile


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


class LedgerEvent(TypedDict):
    """An update as the ledger has it. All of it stays as it is for ever, but for `void`, which is as of now."""

    eventId: EventId
    userId: UserId
    actionId: ActionId
    actionVersion: Annotated[
        int | None, Field(description="The version of the action; null if there was none.", examples=[1])
    ]
    idempotencyKey: IdempotencyKey
    points: Points
    second: Second
    occurredAt: Annotated[Instant, Field(description="By whoever sent it.")]
    acceptedAt: Annotated[Instant, Field(description="By the service; it decides the periods.")]
    recordedAt: Annotated[Instant, Field(description="By the database.")]
    boards: Annotated[list[BoardId], Field(description="Those on which it counts; none if it was refused.")]
    refusal: ErrorCode | None
    source: Annotated[
        str | None, Field(description="Who sent it; null for a version that did not record it.", examples=["player"])
    ]
    void: Void | None


class LedgerPage(TypedDict):
    """A part of the ledger, in its order."""

    events: list[LedgerEvent]
    nextAfter: Annotated[EventId, Field(description="Where the next page begins: send it as `after`.")]


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

WATCHED_PARTS = ("boards", "tasks", "chores", "updates", "metrics")
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
