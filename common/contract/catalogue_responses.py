"""What the service answers about boards and actions, in JSON. Pure."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from common.contract.catalogue import OrderName, PeriodName, RuleName
from common.contract.fields import ActionId, BoardId, Cursor, Instant, PeriodId, Score, SeasonId


class BoardFormat(TypedDict):
    """How a score is written for people. On the wire it is a whole number."""

    kind: Annotated[Literal["integer", "decimal", "duration"], Field(examples=["duration"])]
    places: NotRequired[
        Annotated[int, Field(ge=0, le=6, description="Of a decimal: the digits behind the point.", examples=[3])]
    ]
    unit: NotRequired[Annotated[Literal["ms", "s"], Field(description="Of a duration.", examples=["ms"])]]


class SecondDescription(TypedDict):
    """The second score of a board, which decides between equal first ones."""

    order: Annotated[OrderName, Field(examples=["ascending"])]
    label: Annotated[str, Field(examples=["Penalty"])]
    format: BoardFormat


class CurrentPeriod(TypedDict):
    """A period of a board that is open now."""

    period: PeriodId
    endsAt: Annotated[Instant | None, Field(description="Null for all time.")]


class BoardDescription(TypedDict):
    """A board."""

    boardId: BoardId
    title: Annotated[str, Field(examples=["Monza, best lap"])]
    description: Annotated[str, Field(examples=[""])]
    category: Annotated[str | None, Field(examples=["laps"])]
    position: Annotated[int, Field(description="Its place in lists, the least first.", examples=[10])]
    rule: Annotated[RuleName, Field(description="What events make of a score.", examples=["lowest"])]
    order: Annotated[
        OrderName, Field(description="Whether the least or the greatest score leads.", examples=["ascending"])
    ]
    second: SecondDescription | None
    owner: Annotated[Literal["player"], Field(examples=["player"])]
    periods: Annotated[list[PeriodName], Field(examples=[["all", "weekly"]])]
    format: BoardFormat
    ties: Annotated[
        Literal["ordinal", "shared"],
        Field(
            description="Whether players of equal scores have places one after the other, or share one.",
            examples=["ordinal"],
        ),
    ]
    visibility: Annotated[
        Literal["public", "players", "hidden"],
        Field(description="Who may see it: everybody, whoever is logged in, or admins.", examples=["public"]),
    ]
    opensAt: Instant | None
    closesAt: Instant | None
    state: Annotated[Literal["planned", "open", "closed", "archived"], Field(examples=["open"])]
    archived: Annotated[
        bool, Field(description="It is on no list, takes no updates, and stays readable.", examples=[False])
    ]
    revision: Annotated[int, Field(ge=1, description="Counts its changes.", examples=[3])]
    current: list[CurrentPeriod]


class SeasonDescription(TypedDict):
    """A season of a board."""

    board: BoardId
    seasonId: SeasonId
    period: Annotated[PeriodId, Field(description="By which its board is read.", examples=["s-spring-2026"])]
    title: Annotated[str, Field(examples=["Spring 2026"])]
    startsAt: Instant
    endsAt: Annotated[Instant, Field(description="What is accepted from then on does not count.")]
    state: Annotated[Literal["planned", "open", "over"], Field(examples=["open"])]


class DeletedSeason(TypedDict):
    """A season that is not there any more."""

    board: BoardId
    seasonId: Annotated[str, Field(examples=["spring-2026"])]
    deleted: Annotated[bool, Field(description="Whether it was there before.", examples=[True])]


class SeasonList(TypedDict):
    """The seasons of a board, the newest first."""

    seasons: list[SeasonDescription]


class BoardPage(TypedDict):
    """Boards, in order of category, position and id."""

    boards: list[BoardDescription]
    nextCursor: Annotated[Cursor | None, Field(description="Where the next page begins; null on the last.")]


class ValueBounds(TypedDict):
    """The least and the greatest value that an action takes."""

    min: Annotated[Score, Field(examples=[20000])]
    max: Annotated[Score, Field(examples=[600000])]


class ActionDescription(TypedDict):
    """The newest version of an action."""

    actionId: ActionId
    kind: Annotated[Literal["points", "value"], Field(examples=["points"])]
    points: Annotated[
        int | None, Field(description="What one use is worth; null for an action of values.", examples=[25])
    ]
    value: ValueBounds | None
    boards: list[BoardId]
    claimedBy: Annotated[
        Literal["player", "server", "both", "admin"], Field(description="Who may claim it.", examples=["both"])
    ]
    cooldownSeconds: Annotated[
        int | None, Field(description="Least seconds between two uses that count.", examples=[60])
    ]
    dailyLimit: Annotated[int | None, Field(description="Uses that count in a UTC day.", examples=[3])]
    lifetimeLimit: Annotated[int | None, Field(description="Uses that ever count.", examples=[1])]
    enabled: Annotated[bool, Field(examples=[True])]
    version: Annotated[int, Field(ge=1, examples=[1])]


ChangeDescription = TypedDict(
    "ChangeDescription",
    {
        "path": Annotated[str, Field(examples=["boards.lap-monza.title"])],
        "from": Annotated[Any, Field(description="Null for what is new.", examples=[""])],
        "to": Annotated[Any, Field(examples=["Monza, best lap"])],
    },
)
ChangeDescription.__doc__ = "One difference between a catalogue and what is stored."


class CatalogueChanges(TypedDict):
    """What a catalogue changes, and whether it was applied."""

    changes: list[ChangeDescription]
    applied: Annotated[bool, Field(examples=[True])]
