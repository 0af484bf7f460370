"""The bodies and queries that clients send: one model each for parsing and for documentation."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SkipValidation,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from common.contract.constants import ALL_TIME, DEFAULT_BOARD, GREATEST_SCORE, GREATEST_SECOND
from common.contract.fields import (
    WORDS_OF_PATTERN,
    ActionId,
    AskedDay,
    AskedPeriod,
    AskedScore,
    Avatar,
    BoardId,
    Cursor,
    ExternalId,
    GivenUserId,
    IdempotencyKey,
    PageSize,
    Version,
    plain_digits,
)
from common.core.timestamps import parse_instant

NEW_USERNAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{2,31}$"
"""The pattern of new names: none looks like an option or a hidden file. Older accounts have other names too."""

SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 128
SHORTEST_REASON, LONGEST_REASON = 3, 500

RESERVED_USERNAMES = frozenset(
    {"admin", "administrator", "anonymous", "guest", "moderator", "null", "root", "scoreboard", "system", "undefined"}
)
INSTANT_WITH_OFFSET = r"^[0-9]{4}[0-9W-]{3,6}T[0-9]{2}[0-9:.,]*(?:Z|[+-][0-9]{2}[0-9:.]*)$"
_VISIBLE = r"^[^\x00-\x1f\x7f]+$"


WORDS_OF_FORM = {
    **WORDS_OF_PATTERN,
    NEW_USERNAME: "must be 3 to 32 of A-Z a-z 0-9 _ . - and begin with neither . nor -",
    _VISIBLE: "must not have control characters",
    INSTANT_WITH_OFFSET: "must be ISO 8601 with an offset, such as 2026-11-23T09:15:00.123Z, and not Unix time",
}
"""What a field has to be, in words, by the pattern that it must match."""

WORDS_OF_NAME = {
    "points": "there is no such field: the action says how many points it is worth",
    "timestamp": WORDS_OF_FORM[INSTANT_WITH_OFFSET],
}
"""What to say of a field of this name that is of another type, or that there should not be."""


class Strict(BaseModel):
    """Exactly the documented fields, in camelCase, each of its own JSON type."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, hide_input_in_errors=True)


def may_be_left_out(body: type[BaseModel]) -> bool:
    """Return whether a request may omit this body, because nothing in it is required."""
    try:
        body.model_validate({})
    except ValidationError:
        return False
    return True


class ProfileRequest(Strict):
    """What is to be shown of a player. A field that is left out stays as it is; null removes it."""

    display_name: Annotated[
        str | None,
        Field(
            description="1 to 32 characters of any script, kept in their composed form (Unicode NFC) without spaces "
            "around them. Nothing that cannot be seen or turns the text beside it, no mixture of Latin, Cyrillic and "
            "Greek letters, and nobody else's username.",
            examples=["Ada Lovelace"],
        ),
    ] = None
    country: Annotated[str | None, Field(description="A country: ISO 3166-1 alpha-2.", examples=["GB"])] = None
    avatar: Avatar | None = None


class ModeratedProfileRequest(ProfileRequest):
    """What an admin sets for a player, and why, for the audit log."""

    reason: str = Field("", max_length=500, examples=["an insulting name"])


class DeletionRequest(Strict):
    """The password of the account that is to be deleted; left out for an account that has none."""

    password: str | None = Field(None, min_length=1, max_length=128, repr=False, examples=["correct horse"])


class VisibilityRequest(Strict):
    """How one wants to stand on boards."""

    visibility: Literal["named", "anonymous", "unlisted"] = Field(
        description="With one's name; as `Anonymous`, with an id that leads nowhere; or not at all.",
        examples=["anonymous"],
    )


class ModerationRequest(Strict):
    """Why a user is suspended or reinstated, for the audit log."""

    reason: str = Field("", max_length=500, examples=["impossible scores"])


def _in_words(reason: str) -> str:
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise ValueError(f"must have at least {SHORTEST_REASON} characters")
    if not all(character.isprintable() or character == "\n" for character in reason):
        raise ValueError("must not have control characters")
    return reason


Reason = Annotated[
    str,
    Field(
        min_length=SHORTEST_REASON,
        max_length=LONGEST_REASON,
        description="Why, for the audit log.",
        examples=["a match was counted twice"],
    ),
    AfterValidator(_in_words),
]


class AdjustmentRequest(Strict):
    """What is added to a player's score on a board, or taken off it, and why."""

    board: BoardId
    amount: int = Field(
        ge=-GREATEST_SCORE,
        le=GREATEST_SCORE,
        description="What is added; less than 0 takes off. On a board that counts updates it counts so many.",
        examples=[-50],
    )
    second: int | None = Field(
        None,
        ge=-GREATEST_SECOND,
        le=GREATEST_SECOND,
        description="What is added to the second score; only on a board that has one.",
        examples=[0],
    )
    reason: Reason
    idempotency_key: IdempotencyKey


class Deed(Strict):
    """That somebody did something. `timestamp` stays as sent: it may be part of a signed text."""

    action_id: ActionId
    timestamp: str = Field(
        max_length=40,
        # No format: a generated client would parse it and write it anew, and the signature is over what was written.
        pattern=INSTANT_WITH_OFFSET,
        description="When it happened: ISO 8601 with an offset, within 300 s of the server's time. Send the very text "
        "that you signed.",
        examples=["2026-11-23T09:15:00.123Z"],
    )
    idempotency_key: IdempotencyKey

    @field_validator("timestamp")
    @classmethod
    def _is_instant(cls, timestamp: str) -> str:
        parse_instant(timestamp)
        return timestamp

    @property
    def occurred_at(self) -> datetime:
        return parse_instant(self.timestamp)


class Claim(Deed):
    """That a player did something."""

    user_id: GivenUserId


class ScoreUpdateRequest(Claim):
    """A player's own claim, signed."""

    signature: str = Field(
        max_length=128,
        repr=False,
        description="Lower-case hex HMAC-SHA256 of the signed text with the session's signing key.",
        examples=["5f0c2f6b8d3e4a1907c6b5a4f3e2d1c00f1e2d3c4b5a69788796a5b4c3d2e1f0"],
    )


class OfOnePlayer(Strict):
    """What a game server says of one player, whom it names by exactly one of the two ids."""

    user_id: GivenUserId | None = None
    external_id: ExternalId | None = None

    @model_validator(mode="after")
    def _names_one_player(self) -> Self:
        if (self.user_id is None) == (self.external_id is None):
            raise ValueError("exactly one of userId and externalId names the player")
        return self


class BatchItem(OfOnePlayer, Deed):
    """That a player did something, as a game server tells it. It names the player by exactly one of the two ids."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "externalId": "steam:76561197960287930",
                    "actionId": "win-match",
                    "timestamp": "2026-11-23T09:15:00.123Z",
                    "idempotencyKey": "match-4711-7930",
                },
                {
                    "externalId": "steam:76561197960287930",
                    "actionId": "lap-monza",
                    "timestamp": "2026-11-23T09:15:00.123Z",
                    "idempotencyKey": "race-81-7930-3",
                    "value": 61200,
                },
            ]
        }
    )

    value: int | None = Field(
        None,
        ge=-GREATEST_SCORE,
        le=GREATEST_SCORE,
        description="What was reached; with an action of values, and with no other.",
        examples=[61200],
    )
    second: int | None = Field(
        None,
        ge=-GREATEST_SECOND,
        le=GREATEST_SECOND,
        description="The second score, 0 if it is left out; only if a board of the action has one.",
        examples=[7],
    )


class BatchRequest(Strict):
    """Claims of a game server. Each is looked at by itself, so that a bad one does not hold up the others."""

    updates: list[SkipValidation[BatchItem]] = Field(min_length=1, max_length=1000)
    create_players: bool = Field(
        False, description="Whether players are made whose external ids are new. The API key needs the scope `players`."
    )


class AskedUpdate(OfOnePlayer):
    """An update that a game server asks about. It names the player by exactly one of the two ids."""

    idempotency_key: IdempotencyKey


class ReceiptsRequest(Strict):
    """The updates that a game server asks about."""

    updates: list[AskedUpdate] = Field(min_length=1, max_length=1000)


class NewPlayer(Strict):
    """A player of a game server, who needs no account. What is left out stays as it is."""

    external_id: ExternalId
    display_name: str | None = Field(
        None,
        max_length=256,
        description="As in a profile: 1 to 32 characters of any script.",
        examples=["Ada Lovelace"],
    )
    country: str | None = Field(None, description="A country: ISO 3166-1 alpha-2.", examples=["GB"])
    boards: list[BoardId] | None = Field(
        None,
        min_length=1,
        max_length=8,
        description="Boards of the rules `sum` and `count` on which the player begins at 0, unless they have a score.",
        examples=[["main"]],
    )


class PlayersRequest(Strict):
    """Players of a game server. Each is looked at by itself."""

    players: list[SkipValidation[NewPlayer]] = Field(min_length=1, max_length=1000)


class ExchangeRequest(Strict):
    """The player of a game server for whom a session is begun."""

    external_id: ExternalId


class UpdateQuery(Strict):
    """Whose update is meant: with an access token only one's own, with an API key anybody's, by one of the ids."""

    user_id: GivenUserId | None = None
    external_id: ExternalId | None = None


def _instant(given: object) -> object:
    try:
        return parse_instant(given) if isinstance(given, str) else given
    except ValueError:
        raise ValueError(WORDS_OF_FORM[INSTANT_WITH_OFFSET]) from None


AskedInstant = Annotated[
    datetime,
    Field(examples=["2026-11-23T09:15:00.123Z"]),
    BeforeValidator(_instant),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": INSTANT_WITH_OFFSET,
            "description": "ISO 8601 with an offset.",
            "examples": ["2026-11-23T09:15:00.123Z"],
        }
    ),
]


class EventsQuery(Strict):
    """Which updates of a player are asked for."""

    board: BoardId | None = None
    since: AskedInstant | None = Field(None, alias="from", description="Accepted at or after this.")
    until: AskedInstant | None = Field(None, alias="to", description="Accepted at or before this.")
    limit: PageSize = 50
    cursor: Cursor | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.until and self.since > self.until:
            raise ValueError("from must not be after to")
        return self


SearchedText = Annotated[str, Field(min_length=1, max_length=128, pattern=_VISIBLE)]


class PlayerSearchQuery(Strict):
    """Which players an admin looks for; without any of it, all of them."""

    q: SearchedText | None = Field(
        None,
        description="Part of a username or of a display name, in any case; or a user id.",
        examples=["ada"],
    )
    external_id: ExternalId | None = None
    realm: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", examples=["arena"])
    limit: PageSize = 50
    cursor: Cursor | None = None


class AuditQuery(Strict):
    """Which changes an admin looks for: to whom or what, by whom, and which."""

    subject: SearchedText | None = Field(None, examples=["8f15d882-8a9f-4189-b783-e9fd3f6124ef"])
    actor: SearchedText | None = Field(None, examples=["command line"])
    action: SearchedText | None = Field(None, examples=["suspend"])
    limit: PageSize = 50
    cursor: Cursor | None = None


class BoardQuery(Strict):
    """Which board and period a read is about; `period` is a name or an id."""

    board: BoardId = DEFAULT_BOARD
    period: AskedPeriod = ALL_TIME


class BoardsQuery(Strict):
    """A page of the list of boards."""

    category: str | None = Field(None, pattern=r"^[a-z0-9-]{1,32}$", examples=["laps"])
    state: Literal["planned", "open", "closed"] | None = Field(None, description="As of now.", examples=["open"])
    limit: PageSize = 50
    cursor: Cursor | None = None


class EveryBoardQuery(Strict):
    """A page of the list of all boards, for admins."""

    state: Literal["planned", "open", "closed", "archived"] | None = Field(
        None, description="As of now.", examples=["archived"]
    )
    limit: PageSize = 50
    cursor: Cursor | None = None


class LeaderboardQuery(BoardQuery):
    """A page of a board. One of `cursor`, `around` and `aroundScore` says where it is; `at` goes with none of them."""

    limit: PageSize = 10
    cursor: Cursor | None = None
    around: GivenUserId | None = None
    around_score: AskedScore | None = None
    at: AskedInstant | None = Field(
        None, description="The board as it was: the newest snapshot that was stored then or before."
    )
    movement: Literal["day"] | None = Field(
        None,
        description="Tell how many places each player has gained since yesterday; of the period `all`.",
        examples=["day"],
    )


class LookupRequest(BoardQuery):
    """Players to look for on a board, all by their user ids, or all by the ids of a game."""

    user_ids: list[GivenUserId] | None = Field(None, min_length=1, max_length=100)
    external_ids: list[ExternalId] | None = Field(
        None, min_length=1, max_length=100, description="Needs an API key of the scope `read`."
    )

    @model_validator(mode="after")
    def _names_players_one_way(self) -> Self:
        if (self.user_ids is None) == (self.external_ids is None):
            raise ValueError("exactly one of userIds and externalIds names the players")
        return self


class PlayerBoardsQuery(Strict):
    """The period of all boards that are asked for."""

    period: AskedPeriod = ALL_TIME


class HistoryQuery(Strict):
    """Which days of a player on a board are asked for: at most 366, by default those up to today."""

    board: BoardId = DEFAULT_BOARD
    since: AskedDay | None = Field(None, alias="from", description="The first day.")
    until: AskedDay | None = Field(None, alias="to", description="The last day.")


class PlacementsQuery(Strict):
    """A page of the final places of a player, on one board or on all of them."""

    board: BoardId | None = None
    limit: PageSize = 100
    cursor: Cursor | None = None


class RaceQuery(BoardQuery):
    """How many players a race is between, and how many points of each are told at most."""

    n: Annotated[
        int, Field(ge=1, le=25, description="How many players.", examples=[10]), BeforeValidator(plain_digits)
    ] = 10
    points: Annotated[
        int, Field(ge=2, le=200, description="How many points of each.", examples=[200]), BeforeValidator(plain_digits)
    ] = 200


class SnapshotsQuery(BoardQuery):
    """A page of the snapshots of a board."""

    limit: PageSize = 10
    cursor: Cursor | None = None


class LiveQuery(BoardQuery):
    """What a viewer wants to see."""

    limit: PageSize = 10
    since: Version | None = Field(None, max_length=96, description="The version last seen, as `epoch:seq`.")
    ticket: str | None = Field(
        None,
        max_length=128,
        description="A ticket of `POST /api/auth/ticket`, for the viewer's own place.",
        examples=["k3mXvT0pQeWc7dJt1sYbN5uR2aLhF8oG4iZx6KqPwEM"],
    )
