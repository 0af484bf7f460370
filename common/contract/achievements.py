"""What people say of achievements: the bodies of `PUT`, of grants and revocations, and the tables of the file."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SkipValidation, field_validator, model_validator

from common.contract.catalogue import GivenValue
from common.contract.constants import ADJUSTING, ENROLLING
from common.contract.fields import BoardId, ExternalId, GivenUserId
from common.contract.requests import Reason, Strict

LONGEST_TITLE, LONGEST_DESCRIPTION = 60, 200
GREATEST_GOAL = 10**9
MOST_ACTIONS = 64
MOST_GRANTS = 1000
GREATEST_RANK = 10**6

ICONS = (
    *("star", "trophy", "medal", "award", "crown", "gem", "flame", "zap", "rocket", "target"),
    *("flag", "shield", "swords", "heart", "sun", "moon", "mountain", "compass", "map", "key"),
    *("lock", "book-open", "graduation-cap", "lightbulb", "puzzle", "gamepad-2", "dices", "music", "palette", "camera"),
    *("coffee", "gift", "clock", "calendar", "bell", "users", "handshake", "eye", "footprints", "leaf"),
)
"""The pictures of achievements: symbols of `/static/icons.svg`."""

_ACHIEVEMENT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


def problem_of_achievement_id(text: str) -> str | None:
    """Return what is wrong with the id of an achievement, or None."""
    if _ACHIEVEMENT_ID.fullmatch(text):
        return None
    return "must be 1 to 64 letters a-z, digits, hyphens or underscores, and begin with a letter or a digit"


def _told(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not have control characters")
    return text


def _icon(text: str) -> str:
    if text not in ICONS:
        raise ValueError(f"must be one of {', '.join(ICONS)}")
    return text


AchievementId = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="An achievement's id.", examples=["ten-wins"]),
]
Scope = Annotated[
    str,
    Field(description="The period in which it was unlocked; empty where it is unlocked once.", examples=[""]),
]
StepCount = Annotated[int, Field(ge=0, examples=[3])]
Goal = Annotated[int, Field(ge=1, le=GREATEST_GOAL, examples=[10])]
Icon = Annotated[
    str,
    Field(description="A built-in picture.", examples=["trophy"], json_schema_extra={"enum": list(ICONS)}),
    AfterValidator(_icon),
]
AnyPeriod = Literal["all", "daily", "weekly", "monthly", "season"]
EndingPeriod = Literal["daily", "weekly", "monthly", "season"]
BoardOfSeasons = Annotated[
    BoardId | None, Field(description="With `period` `season`, and only then: the board whose seasons are meant.")
]
KindName = Literal["count", "score", "placement", "granted"]


class CountSpec(Strict):
    """So many uses of these actions that count."""

    actions: list[str] = Field(min_length=1, max_length=MOST_ACTIONS, examples=[["win-match"]])
    goal: Goal
    board: BoardOfSeasons = None

    @field_validator("actions")
    @classmethod
    def _plain(cls, actions: list[str]) -> list[str]:
        if len(set(actions)) < len(actions):
            raise ValueError("names an action twice")
        for action in actions:
            if action.startswith((ADJUSTING, ENROLLING)):
                raise ValueError("must not name an action that belongs to a board")
        return actions


class ScoreSpec(Strict):
    """A score on a board as good as `reach`."""

    board: BoardId
    period: AnyPeriod = Field("all", description="One of the board's.", examples=["all"])
    reach: GivenValue = Field(examples=[1000])


class PlacementSpec(Strict):
    """A final rank in a period of a board."""

    board: BoardId
    period: EndingPeriod = Field(description="One of the board's, which ends.", examples=["weekly"])
    within: int = Field(ge=1, le=GREATEST_RANK, description="The last rank that it takes.", examples=[3])
    min_players: int = Field(1, ge=1, le=GREATEST_RANK, description="How many must have taken part.", examples=[10])


class GrantedSpec(Strict):
    """What a game server grants, whole or in steps."""

    goal: Goal = 1
    board: BoardOfSeasons = None


class AchievementSpec(Strict):
    """An achievement as it shall be, of exactly one kind. What decides it never changes.

    Of a known one, the table of its kind may be left out, or must be equal.
    """

    title: Annotated[str, Field(min_length=1, max_length=LONGEST_TITLE, examples=["Ten wins"]), AfterValidator(_told)]
    description: Annotated[
        str, Field(max_length=LONGEST_DESCRIPTION, examples=["Win ten matches."]), AfterValidator(_told)
    ] = ""
    icon: Icon = "star"
    secret: bool = Field(False, description="Nobody is told what it is before they have it.", examples=[False])
    repeat: Literal["once", "period"] | None = Field(
        None, description="Once for ever, as by default, or once in each `period`.", examples=["once"]
    )
    period: EndingPeriod | None = Field(None, description="With `repeat` `period`: which.", examples=["weekly"])
    retroactive: bool | None = Field(
        None, description="Whether what happened before it was made counts too. Never becomes false.", examples=[False]
    )
    enabled: bool = Field(True, description="Nothing counts while it is not.", examples=[True])
    kind: KindName | None = Field(None, description="The kind of its table, if it is given.", examples=["count"])
    count: CountSpec | None = None
    score: ScoreSpec | None = None
    placement: PlacementSpec | None = None
    granted: GrantedSpec | None = None

    @property
    def of_kind(self) -> KindName | None:
        """Its kind; None if neither that nor a table says so."""
        given = [name for name in ("count", "score", "placement", "granted") if getattr(self, name) is not None]
        return given[0] if given else self.kind  # type: ignore[return-value]  # they are the names of kinds

    @model_validator(mode="after")
    def _of_one_kind(self) -> "AchievementSpec":
        given = [name for name in ("count", "score", "placement", "granted") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"has one of count, score, placement and granted, not {' and '.join(given)}")
        if given and self.kind not in (None, given[0]):
            raise ValueError(f"kind {self.kind} does not go with {given[0]}")
        if (self.repeat == "period") is not (self.period is not None):
            raise ValueError("period goes with repeat = period, which needs it")
        return self


class PutAchievement(AchievementSpec):
    """An achievement as it shall be, from now on."""

    id: str | None = Field(None, description="The id of the address, if it is given.", examples=["ten-wins"])


class AchievementInFile(AchievementSpec):
    """An achievement of a catalogue."""

    id: str


class Grant(Strict):
    """That a player has taken at least so many steps towards an achievement; without `steps`, all that it takes."""

    user_id: GivenUserId | None = None
    external_id: ExternalId | None = None
    achievement_id: AchievementId
    steps: Annotated[
        int | None, Field(ge=1, le=GREATEST_GOAL, description="At least so many, by now.", examples=[3])
    ] = None

    @model_validator(mode="after")
    def _of_one_player(self) -> "Grant":
        if (self.user_id is None) is (self.external_id is None):
            raise ValueError("has a userId or an externalId, and not both")
        return self


class GrantRequest(Strict):
    """What players have achieved. Each is looked at by itself."""

    grants: list[SkipValidation[Grant]] = Field(min_length=1, max_length=MOST_GRANTS)


class RevokeRequest(Strict):
    """Whose achievement is taken back, and why."""

    user_id: GivenUserId
    reason: Reason
    scope: str | None = Field(
        None,
        max_length=64,
        description="Only what was unlocked in this period, or `` for what is unlocked once. Without it: all of it.",
        examples=["2026-W48"],
    )


def tables_of(spec: AchievementSpec) -> dict[str, Any]:
    """Return the fields of the table of its kind, by name; none if there is no table."""
    table = next(filter(None, (spec.count, spec.score, spec.placement, spec.granted)), None)
    return table.model_dump() if table else {}
