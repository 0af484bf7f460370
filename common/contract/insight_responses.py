"""What the service answers about itself and about what is played: samples of metrics, and figures of days and hours."""

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from common.contract.fields import ActionId, BoardId, Instant, UserId, Username

Count = Annotated[int, Field(ge=0, examples=[12])]
PerSecond = Annotated[float, Field(ge=0, description="Per second.", examples=[41.5])]
DurationInSeconds = Annotated[float, Field(ge=0, examples=[0.0125])]
Points = Annotated[int, Field(ge=0, examples=[1250])]


class Percentiles(TypedDict):
    """Durations in seconds that half, 95 and 99 of a hundred do not exceed."""

    p50: DurationInSeconds
    p95: DurationInSeconds
    p99: DurationInSeconds


class MetricSample(TypedDict):
    """What happened within a span of time, on all machines. Null: nothing is known, or nothing happened."""

    at: Annotated[Instant, Field(description="When the span began.")]
    seconds: Annotated[float, Field(ge=0, description="How long it is.", examples=[10])]
    accepted: Annotated[PerSecond | None, Field(description="Updates accepted, per second.")]
    applied: Annotated[PerSecond, Field(description="Updates applied, per second.")]
    refused: Annotated[PerSecond, Field(description="Updates that were accepted and then refused, per second.")]
    quarantined: Annotated[Count, Field(description="Updates quarantined in the whole span.")]
    answers: Annotated[PerSecond, Field(description="Requests answered, per second.")]
    answerSeconds: Annotated[Percentiles | None, Field(description="Time to answer a request.")]
    errors: Annotated[
        dict[str, float], Field(description="Errors answered per second, by code.", examples=[{"rate_limited": 0.2}])
    ]
    limitViolations: Annotated[
        dict[str, float], Field(description="Requests over a limit per second, by limit.", examples=[{"address": 0.2}])
    ]
    cacheHitShare: Annotated[
        float | None, Field(ge=0, le=1, description="Share of reads that Redis answered.", examples=[0.998])
    ]
    viewers: Annotated[Count, Field(description="Open live connections.")]
    inboxDepth: Annotated[Count | None, Field(description="Accepted updates that wait.")]
    oldestSeconds: Annotated[DurationInSeconds | None, Field(description="The age of the oldest of them.")]
    submitSeconds: Annotated[Percentiles | None, Field(description="Time to answer a player's score update.")]
    appliedSeconds: Annotated[
        Percentiles | None, Field(description="From the acceptance of a batch's oldest update to its end.")
    ]
    shownSeconds: Annotated[Percentiles | None, Field(description="From a batch's COMMIT until viewers are sent it.")]
    batchSize: Annotated[float | None, Field(ge=0, description="Updates in a batch.", examples=[14.2])]
    standingsPerUpdate: Annotated[float | None, Field(ge=0, description="Standings changed.", examples=[4.0])]
    drift: Annotated[Count | None, Field(description="Standings that differ from the ledger or from Redis.")]
    choresWaiting: Annotated[Count | None, Field(description="Messages in the queue of chores.")]


class BoardFigures(TypedDict):
    """A board as it is now."""

    boardId: BoardId
    players: Annotated[Count | None, Field(description="Of all time; null while Redis does not show the board.")]
    updates: Annotated[Count, Field(description="Counted in the hour that lasts.")]
    viewers: Count
    endsAt: Annotated[Instant | None, Field(description="When it closes or its season ends; null: neither is planned.")]


class MetricsNow(TypedDict):
    """How things are now."""

    at: Instant
    sample: Annotated[MetricSample | None, Field(description="The last ten seconds; null if nothing samples them.")]
    quarantine: Annotated[Count | None, Field(description="Updates in the quarantine.")]
    closingLagSeconds: Annotated[
        DurationInSeconds | None, Field(description="For how long a period has been over that is not closed.")
    ]
    lastSnapshotAt: Instant | None
    boards: Annotated[list[BoardFigures], Field(description="Those that are not archived, a hundred at most.")]


class Metrics(TypedDict):
    """How things are now, and how they were."""

    now: MetricsNow
    history: Annotated[Literal["kept", "away"], Field(description="`away`: Redis cannot be asked for samples.")]
    samples: Annotated[list[MetricSample], Field(description="The oldest first; 1,000 at most.")]


class AnalyticsPoint(TypedDict):
    """What happened on a board in a day, or in an hour."""

    at: Annotated[Instant, Field(description="When it began.")]
    activePlayers: Count
    newPlayers: Annotated[Count, Field(description="Those of them whose account is of the same span.")]
    updates: Count
    refused: Count
    points: Annotated[Points, Field(description="Points added; 0 on a board whose rule adds none up.")]
    pointsTaken: Annotated[Points, Field(description="Points taken off.")]


class ActionFigures(TypedDict):
    """What happened by an action."""

    actionId: ActionId
    updates: Count
    refused: Count
    points: Points
    pointsTaken: Points


class Mover(TypedDict):
    """A player who gained points on the default board in the hour that lasts."""

    userId: UserId
    username: Username
    points: Points


class Analytics(TypedDict):
    """What was played on a board, and in all."""

    board: BoardId
    by: Literal["day", "hour"]
    series: Annotated[list[AnalyticsPoint], Field(description="Of the board, the oldest first; 1,000 at most.")]
    actions: Annotated[list[ActionFigures], Field(description="Of all boards, in these days.")]
    refusals: Annotated[
        dict[str, Any], Field(description="Updates refused in these days, by code.", examples=[{"cooldown": 12}])
    ]
    movers: Annotated[list[Mover], Field(description="Who gained most on the default board, ten at most.")]
    countedAt: Annotated[Instant | None, Field(description="When the hour that lasts was counted last.")]
