"""What people say of boards and actions: the bodies of `PUT` and `POST`, and the tables of the catalogue's file.

A field of JSON is in camelCase, that of the file in snake_case; both are one model. A field that is left out has its
default, or, where it never changes, stays as it is.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from common.contract.constants import ADJUSTING, ENROLLING, GREATEST_SCORE, SEASON
from common.contract.fields import is_name, is_season_id
from common.contract.requests import Strict
from common.core.timestamps import format_instant, parse_instant

LONGEST_TITLE, LONGEST_DESCRIPTION = 100, 500
MOST_BOARDS_OF_AN_ACTION = 8
GREATEST_LIMIT = 2**31 - 1
GREATEST_LIFETIME_LIMIT = 1000

RESERVED_ACTIONS = (ADJUSTING, ENROLLING)

_BOARD_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,56}", re.ASCII)
_CATEGORY = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)


def problem_of_board_id(text: str) -> str | None:
    """Return what is wrong with the id of a new board, or None. It is short enough for `adjust-<board>`."""
    if _BOARD_ID.fullmatch(text):
        return None
    return "must be 1 to 57 letters a-z, digits, hyphens or underscores, and begin with a letter or a digit"


def problem_of_season_id(text: str) -> str | None:
    """Return what is wrong with the id of a season, or None."""
    return None if is_season_id(text) else "must be 1 to 32 letters a-z, digits or hyphens"


def problem_of_action_id(text: str) -> str | None:
    """Return what is wrong with the id of an action, or None."""
    if not is_name(text):
        return "must be 1 to 64 letters a-z, digits, hyphens or underscores, and begin with a letter or a digit"
    if text.startswith(RESERVED_ACTIONS):
        return f"must not begin with {' or '.join(RESERVED_ACTIONS)}: these actions belong to boards"
    return None


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not have control characters")
    return text


def _category(text: str) -> str:
    if not _CATEGORY.fullmatch(text):
        raise ValueError("must be 1 to 32 letters a-z, digits or hyphens")
    return text


def _instant(given: object) -> object:
    """Read an instant, of JSON a text and of TOML a date and time, to the millisecond."""
    if isinstance(given, datetime):
        if given.tzinfo is None:
            raise ValueError("the offset from UTC is missing")
        given = given.isoformat()
    if not isinstance(given, str):
        return given
    try:
        return parse_instant(format_instant(parse_instant(given)))
    except ValueError:
        raise ValueError("must be ISO 8601 with an offset, such as 2026-12-31T20:00:00Z") from None


GivenInstant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "description": "ISO 8601 with an offset. One that has not come is at least 6 seconds ahead.",
            "examples": ["2026-12-31T20:00:00Z"],
        }
    ),
]
Title = Annotated[str, Field(max_length=LONGEST_TITLE, examples=["Monza, best lap"]), AfterValidator(_printable)]
Description = Annotated[
    str, Field(max_length=LONGEST_DESCRIPTION, examples=["One lap, no shortcuts."]), AfterValidator(_printable)
]
Category = Annotated[
    str,
    Field(description="A label by which boards are grouped in lists.", examples=["laps"]),
    AfterValidator(_category),
]
GivenValue = Annotated[int, Field(ge=-GREATEST_SCORE, le=GREATEST_SCORE, examples=[20000])]
_Limit = Annotated[int, Field(ge=1, le=GREATEST_LIMIT, examples=[60])]

RuleName = Literal["sum", "count", "highest", "lowest", "latest"]
OrderName = Literal["ascending", "descending"]
PeriodName = Literal["all", "daily", "weekly", "monthly", "season"]


class FormatSpec(Strict):
    """How a score is written for people. On the wire it is a whole number: 61200 in ms is 1:01.200."""

    kind: Literal["integer", "decimal", "duration"] = Field(examples=["integer"])
    places: int | None = Field(
        None, ge=0, le=6, description="The digits behind the point, of a decimal.", examples=[None]
    )
    unit: Literal["ms", "s"] | None = Field(None, description="The unit of a duration.", examples=[None])

    @model_validator(mode="after")
    def _fits(self) -> "FormatSpec":
        if (self.places is not None) is not (self.kind == "decimal"):
            raise ValueError("places, from 0 to 6, belongs to a decimal, and only there")
        if (self.unit is not None) is not (self.kind == "duration"):
            raise ValueError("unit, ms or s, belongs to a duration, and only there")
        return self


class SecondSpec(Strict):
    """A second score, which decides between equal first ones. Its order never changes."""

    order: OrderName = Field(examples=["ascending"])
    label: Annotated[str, Field(max_length=LONGEST_TITLE, examples=["Penalty"]), AfterValidator(_printable)] = ""
    format: FormatSpec = FormatSpec(kind="integer", places=None, unit=None)


class BoardSpec(Strict):
    """A board as it shall be. `rule`, `order`, `second`, `owner` and `periods` never change, but for a `season`."""

    title: Title = ""
    description: Description = ""
    category: Category | None = None
    position: int = Field(
        0, ge=-(2**31), le=2**31 - 1, description="Its place in lists, the least first.", examples=[10]
    )
    rule: RuleName | None = Field(
        None, description="What events make of a score. Of a new board `sum`.", examples=["sum"]
    )
    order: OrderName | None = Field(
        None,
        description="Which score leads. `highest` and `lowest` decide it; else `descending`.",
        examples=["descending"],
    )
    second: SecondSpec | None = None
    owner: Literal["player"] | None = Field(None, description="Whose scores they are.", examples=["player"])
    periods: list[PeriodName] | None = Field(
        None,
        description="Of a new board all four of the calendar. `season` may be added later, and stays.",
        examples=[["all", "weekly"]],
    )
    format: FormatSpec = FormatSpec(kind="integer", places=None, unit=None)
    ties: Literal["ordinal", "shared"] = Field("ordinal", examples=["ordinal"])
    visibility: Literal["public", "players", "hidden"] = Field("public", examples=["public"])
    opens_at: GivenInstant | None = None
    closes_at: GivenInstant | None = None

    @field_validator("periods")
    @classmethod
    def _distinct(cls, periods: list[str] | None) -> list[str] | None:
        if periods is not None and not set(periods) - {SEASON}:
            raise ValueError("must name a period of the calendar: all, daily, weekly or monthly")
        if periods and len(set(periods)) < len(periods):
            raise ValueError("names a period twice")
        return periods


class ValueSpec(Strict):
    """The least and the greatest value that an action takes."""

    min: GivenValue = -GREATEST_SCORE
    max: GivenValue = GREATEST_SCORE

    @model_validator(mode="after")
    def _in_order(self) -> "ValueSpec":
        if self.min > self.max:
            raise ValueError("min must not be greater than max")
        return self


class ActionSpec(Strict):
    """An action as it shall be: worth `points` of the catalogue, or with a `value` that a game server states.

    Of a known action, `points`, `value` and `boards` stay as they are if they are left out.
    """

    kind: Literal["points", "value"] | None = Field(None, examples=["points"])
    points: GivenValue | None = None
    value: ValueSpec | None = None
    boards: list[str] | None = Field(
        None,
        min_length=1,
        max_length=MOST_BOARDS_OF_AN_ACTION,
        description="Of a new action `main`.",
        examples=[["main"]],
    )
    claimed_by: Literal["player", "server", "both"] | None = Field(
        None, description="Who may claim it. `both` by default; of values always `server`.", examples=["both"]
    )
    cooldown_seconds: _Limit | None = None
    daily_limit: _Limit | None = None
    lifetime_limit: Annotated[int, Field(ge=1, le=GREATEST_LIFETIME_LIMIT, examples=[1])] | None = None
    enabled: bool = Field(True, examples=[True])

    @field_validator("boards")
    @classmethod
    def _distinct(cls, boards: list[str] | None) -> list[str] | None:
        if boards and len(set(boards)) < len(boards):
            raise ValueError("names a board twice")
        return boards

    @model_validator(mode="after")
    def _of_one_kind(self) -> "ActionSpec":
        if self.points is not None and self.value is not None:
            raise ValueError("has points or a value, not both")
        if self.kind == "points" and self.value is not None:
            raise ValueError("kind points goes with no value")
        if self.kind == "value" and self.points is not None:
            raise ValueError("kind value goes with no points")
        return self


class SeasonSpec(Strict):
    """A season as it shall be. Its begin may change until it has begun, its end until it is over."""

    title: Title = ""
    starts_at: GivenInstant
    ends_at: GivenInstant

    @model_validator(mode="after")
    def _in_order(self) -> "SeasonSpec":
        if self.starts_at >= self.ends_at:
            raise ValueError("a season ends after it starts")
        return self


class PutBoard(BoardSpec):
    """A board as it shall be, from now on."""

    board_id: str | None = Field(None, description="The id of the address, if it is given.", examples=["lap-monza"])
    revision: int | None = Field(
        None, ge=0, description="Refused with 409 if the board has changed since.", examples=[3]
    )


class PutAction(ActionSpec):
    """An action as it shall be, from now on."""

    action_id: str | None = Field(None, description="The id of the address, if it is given.", examples=["lap-monza"])


class BoardInFile(BoardSpec):
    """A board of a catalogue."""

    id: str


class ActionInFile(ActionSpec):
    """An action of a catalogue."""

    id: str


class SeasonInFile(SeasonSpec):
    """A season of a catalogue, with its board."""

    board: str
    id: str


class ApplyRequest(Strict):
    """A catalogue to apply. With `dryRun` nothing is changed, and the answer says what would be."""

    catalogue: dict[str, Any] = Field(
        description="`version` 1, `boards` as `PUT /api/admin/boards/{boardId}` takes them, `actions` as `PUT "
        "/api/admin/actions/{actionId}` does, `seasons` as `PUT /api/admin/boards/{boardId}/seasons/{seasonId}` "
        "does and `achievements` as `PUT /api/admin/achievements/{achievementId}` does, each with its `id`, seasons "
        "with their `board`.",
        examples=[{"version": 1, "boards": [{"id": "lap-monza", "rule": "lowest"}], "actions": []}],
    )
    dry_run: bool = Field(False, examples=[False])


class MomentRequest(Strict):
    """When a board opens or closes, and why, for the audit log. Without `at` as soon as every process knows."""

    at: GivenInstant | None = None
    reason: str = Field("", max_length=500, examples=["the season is over"])


class EndSeasonRequest(Strict):
    """When a season ends, and why, for the audit log. Without `at` as soon as every process knows."""

    at: GivenInstant | None = None
    reason: str = Field("", max_length=500, examples=["the final was played"])


class DeleteSeasonRequest(Strict):
    """Why a planned season goes, for the audit log."""

    reason: str = Field("", max_length=500, examples=["it was planned by mistake"])


def fields_of(spec: BaseModel) -> frozenset[str]:
    """Return the names of the fields that were given."""
    return frozenset(spec.model_fields_set)
