"""What admins send to correct scores, and what they are answered, in JSON. Pure."""

from datetime import timedelta
from typing import Annotated, NotRequired, Self

from pydantic import Field, model_validator
from typing_extensions import TypedDict

from common.contract.account_responses import User
from common.contract.fields import ActionId, BoardId, EventId, GivenUserId, Instant, PeriodId, Rank, Score, UserId
from common.contract.requests import AskedInstant, Reason, Strict
from common.contract.responses import Void

LONGEST_SPAN = timedelta(days=366)

_AmendClosed = Annotated[
    bool,
    Field(description="Whether periods that are closed change, too, each with a new revision.", examples=[False]),
]
_AsItWasMade = Annotated[
    bool | None,
    Field(
        description="Whether periods that are closed change, too; left out or null: as it was made.", examples=[True]
    ),
]


class VoidRequest(Strict):
    """Why an update counts no more."""

    reason: Reason
    amend_closed: _AmendClosed = False


class RestoreRequest(Strict):
    """Why an update counts again."""

    reason: Reason
    amend_closed: _AsItWasMade = None


class VoidSpanRequest(Strict):
    """Which updates of a player count no more, and why. The span is 366 days at most."""

    since: AskedInstant = Field(alias="from", description="Accepted at or after this.")
    until: AskedInstant = Field(alias="to", description="Accepted at or before this.")
    action_id: ActionId | None = Field(None, description="Only updates of this action.", examples=["win-match"])
    reason: Reason
    amend_closed: _AmendClosed = False
    dry_run: bool = Field(False, description="Change nothing, and tell what would change.", examples=[True])

    @model_validator(mode="after")
    def _is_a_span(self) -> Self:
        if self.since > self.until:
            raise ValueError("from must not be later than to")
        if self.until - self.since > LONGEST_SPAN:
            raise ValueError(f"from and to may be {LONGEST_SPAN.days} days apart at most")
        return self


class RestoreSpanRequest(VoidSpanRequest):
    """Which updates of a player count again, and why. The span is 366 days at most."""

    amend_closed: _AsItWasMade = None  # type: ignore[assignment]  # as of one update


class DisqualifyRequest(Strict):
    """Who is taken off a board, and why."""

    user_id: GivenUserId
    reason: Reason
    amend_closed: _AmendClosed = False


class RequalifyRequest(Strict):
    """Who is let back on a board, and why."""

    user_id: GivenUserId
    reason: Reason
    amend_closed: _AsItWasMade = None


class CorrectedStanding(TypedDict):
    """A score that a correction changed, or would change. Null: nothing counts there."""

    board: BoardId
    period: PeriodId
    scoreBefore: Score | None
    scoreAfter: Score | None
    rankBefore: NotRequired[Annotated[Rank | None, Field(description="With `dryRun`. Null: not on the board.")]]
    rankAfter: NotRequired[Annotated[Rank | None, Field(description="With `dryRun`. Null: not on the board.")]]


class CorrectedEvent(TypedDict):
    """An update after a correction."""

    eventId: EventId
    userId: UserId
    void: Annotated[Void | None, Field(description="Null: it counts.")]
    standings: Annotated[list[CorrectedStanding], Field(description="Those that changed; none after a repetition.")]


class CorrectedSpan(TypedDict):
    """What a correction of a player's updates did, or with `dryRun` would do."""

    dryRun: Annotated[bool, Field(examples=[False])]
    events: Annotated[int, Field(ge=0, description="How many updates it changes.", examples=[7])]
    standings: list[CorrectedStanding]


class Judged(TypedDict):
    """Whether a player is off a board."""

    board: BoardId
    user: User
    disqualified: Annotated[bool, Field(examples=[True])]
    at: NotRequired[Annotated[Instant, Field(description="Since when they are off it.")]]
    reason: NotRequired[Annotated[str, Field(examples=["played with two accounts"])]]
