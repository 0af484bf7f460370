"""The messages of the live socket, in JSON. Pure.

The hub builds these, so mypy holds it to them, and `/asyncapi.json` is made of them.
"""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from common.contract.achievements import AchievementId, Scope
from common.contract.board_responses import Entry, Place
from common.contract.fields import BoardId, Epoch, Instant, PageSize, PeriodId, Rank, Seq, Total, UserId

_StartOfDelta = TypedDict(
    "_StartOfDelta", {"from": Annotated[Seq, Field(description="The `seq` before.", examples=[41])]}
)
CommittedAt = Annotated[Instant, Field(description="When the newest change it carries was committed.")]


class SeasonShown(TypedDict):
    """A season of the board. Its title may change, and until it is over its end."""

    period: PeriodId
    title: Annotated[str, Field(description="Its name for people; may be empty.", examples=["Spring 2026"])]
    startsAt: Instant
    endsAt: Instant


ShownSeason = Annotated[
    SeasonShown, Field(description="The season that is shown, or else the board's open one, if there is one.")
]


class Snapshot(TypedDict):
    """The whole head of a board. It replaces whatever is shown."""

    type: Literal["snapshot"]
    board: BoardId
    period: PeriodId
    epoch: Epoch
    seq: Seq
    at: CommittedAt
    limit: PageSize
    total: Total
    season: NotRequired[ShownSeason]
    entries: list[Entry]


class Delta(_StartOfDelta):
    """What changed since `from`: every row whose content changed, rank included, and who left the head.

    A viewer that shows another `seq` than `from` asks for a snapshot with `resync`.
    """

    type: Literal["delta"]
    epoch: Epoch
    seq: Seq
    at: CommittedAt
    total: Total
    entries: list[Entry]
    removed: Annotated[list[UserId], Field(description="Who left the head.", examples=[[]])]


class Me(TypedDict):
    """The viewer's own place; only for a viewer with a ticket."""

    type: Literal["me"]
    seq: Seq
    entry: Place
    previousRank: Annotated[Rank | None, Field(description="Null at first, and if there was none.", examples=[5])]


class Resumed(TypedDict):
    """The version in `since` is what others were last sent: deltas follow it."""

    type: Literal["resumed"]
    epoch: Epoch
    seq: Seq
    season: NotRequired[ShownSeason]


class Heartbeat(TypedDict):
    """Nothing happened for 25 seconds, and the connection is alive."""

    type: Literal["hb"]


class Rollover(TypedDict):
    """A new period has begun; its snapshot follows at once."""

    type: Literal["rollover"]
    board: BoardId
    period: PeriodId


class Unlocks(TypedDict):
    """All that the viewer has achieved, on connecting and if news may be lost; only for a viewer with a ticket."""

    type: Literal["achievements"]
    unlocked: Annotated[list[AchievementId], Field(examples=[["ten-wins"]])]


class NewUnlock(TypedDict):
    """An achievement that the viewer has now."""

    achievementId: AchievementId
    title: Annotated[str, Field(examples=["Ten wins"])]
    icon: Annotated[str, Field(description="A built-in picture.", examples=["trophy"])]
    unlockedAt: Instant
    scope: Scope


class Unlock(TypedDict):
    """The viewer has unlocked something. It may come twice: the id and the scope say what it is."""

    type: Literal["achievement"]
    achievement: NewUnlock


class Resync(TypedDict):
    """A viewer that lost the thread asks for a snapshot."""

    type: Literal["resync"]


FROM_SERVER = (Snapshot, Delta, Me, Resumed, Heartbeat, Rollover, Unlocks, Unlock)
FROM_VIEWER = (Resync,)
