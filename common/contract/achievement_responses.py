"""What the service answers about achievements, in JSON. Pure."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from common.contract.achievements import AchievementId, EndingPeriod, KindName, Scope, StepCount
from common.contract.fields import ActionId, BoardId, Instant, Score, UserId
from common.contract.responses import PlayerRefusal

_Title = Annotated[
    str | None, Field(description="Null for a secret one that the asker does not have.", examples=["Ten wins"])
]
_Icon = Annotated[str | None, Field(description="A built-in picture; null as `title` is.", examples=["trophy"])]
BoardOfSeasons = Annotated[BoardId, Field(description="The board whose seasons are meant, where it repeats by season.")]
GoalCount = Annotated[int, Field(ge=1, examples=[10])]


class CountDescription(TypedDict):
    """So many uses of these actions that count."""

    actions: list[ActionId]
    goal: GoalCount
    board: NotRequired[BoardOfSeasons]


class ScoreDescription(TypedDict):
    """A score on a board."""

    board: BoardId
    period: Annotated[str, Field(examples=["all"])]
    reach: Annotated[Score, Field(examples=[1000])]


class PlacementDescription(TypedDict):
    """A final rank in a period of a board."""

    board: BoardId
    period: Annotated[str, Field(examples=["weekly"])]
    within: Annotated[int, Field(ge=1, examples=[3])]
    minPlayers: Annotated[int, Field(ge=1, examples=[10])]


class GrantedDescription(TypedDict):
    """What a game server grants."""

    goal: GoalCount
    board: NotRequired[BoardOfSeasons]


class ListedAchievement(TypedDict):
    """An achievement. A secret one that the asker does not have says nothing but that it is there."""

    id: AchievementId
    title: _Title
    description: Annotated[str | None, Field(description="Null as `title` is.", examples=["Win ten matches."])]
    icon: _Icon
    secret: Annotated[bool, Field(examples=[False])]
    repeat: Annotated[Literal["once", "period"], Field(examples=["once"])]
    period: NotRequired[EndingPeriod]
    kind: Annotated[KindName, Field(examples=["count"])]
    count: NotRequired[CountDescription]
    score: NotRequired[ScoreDescription]
    placement: NotRequired[PlacementDescription]
    granted: NotRequired[GrantedDescription]
    rarity: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="The share of players who have it, counted once an hour; null before that.",
            examples=[0.125],
        ),
    ]


class Achievements(TypedDict):
    """What can be achieved, in order of the ids."""

    achievements: list[ListedAchievement]


class StoredAchievement(TypedDict):
    """An achievement as it is stored."""

    id: AchievementId
    title: Annotated[str, Field(examples=["Ten wins"])]
    description: Annotated[str, Field(examples=["Win ten matches."])]
    icon: Annotated[str, Field(examples=["trophy"])]
    secret: Annotated[bool, Field(examples=[False])]
    repeat: Annotated[Literal["once", "period"], Field(examples=["once"])]
    period: NotRequired[EndingPeriod]
    retroactive: Annotated[bool, Field(examples=[False])]
    enabled: Annotated[bool, Field(examples=[True])]
    kind: Annotated[KindName, Field(examples=["count"])]
    count: NotRequired[CountDescription]
    score: NotRequired[ScoreDescription]
    placement: NotRequired[PlacementDescription]
    granted: NotRequired[GrantedDescription]


class Unlocked(TypedDict):
    """An achievement that a player has."""

    achievementId: AchievementId
    title: _Title
    icon: _Icon
    unlockedAt: Instant
    scope: Scope
    board: NotRequired[BoardId]


class Progress(TypedDict):
    """How far a player has come towards what they do not have yet, in the period of now where it repeats."""

    achievementId: AchievementId
    steps: StepCount
    goal: GoalCount
    scope: Scope


class PlayerAchievements(TypedDict):
    """What a player has achieved, the oldest first."""

    unlocked: list[Unlocked]
    progress: NotRequired[Annotated[list[Progress], Field(description="For the player alone.")]]


class Granted(TypedDict):
    """What became of grants: how many have unlocked something, were steps on the way, or changed nothing."""

    unlocked: Annotated[int, Field(ge=0, examples=[1])]
    progressed: Annotated[int, Field(ge=0, examples=[0])]
    unchanged: Annotated[int, Field(ge=0, examples=[0])]
    refused: list[PlayerRefusal]


class Revoked(TypedDict):
    """What was taken back: in how many scopes. Of what the player did not have it is none."""

    achievementId: AchievementId
    userId: UserId
    revoked: Annotated[int, Field(ge=0, examples=[1])]
