"""The types of values in bodies, queries and messages: bounds, description and an example of each. Pure.

Requests are parsed with them (`common/contract/requests.py`), answers and live messages are described with them
(`common/contract/responses.py`, `common/contract/live_messages.py`), so that the documents at `/openapi.json` and
`/asyncapi.json` say the same as the code.
"""

import re
import unicodedata
from contextlib import suppress
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from common.contract.constants import (
    ALL_TIME,
    DEFAULT_BOARD,
    GREATEST_SCORE,
    GREATEST_SECOND,
    PERIOD_NAMES,
    SEASON,
    SEASON_PREFIX,
)

_HEXADECIMAL = r"{8}-XX{4}-XX{4}-XX{4}-XX{12}$"
_IS_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_PERIOD_ID = r"[0-9]{4}-(?:(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?|W(?:0[1-9]|[1-4][0-9]|5[0-3]))"
_NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
_IDEMPOTENCY_KEY = r"^[A-Za-z0-9_-]{8,64}$"
_USER_ID = "^[0-9a-f]" + _HEXADECIMAL.replace("XX", "[0-9a-f]")
_GIVEN_USER_ID = "^[0-9A-Fa-f]" + _HEXADECIMAL.replace("XX", "[0-9A-Fa-f]")
_EXTERNAL_ID = r"^[!-~]{1,128}$"
_SEASON_ID = "[a-z0-9-]{1,32}"
_A_PERIOD_ID = f"{_PERIOD_ID}|{SEASON_PREFIX}{_SEASON_ID}"
_ASKED_PERIOD = f"^(?:{'|'.join(PERIOD_NAMES)}|{SEASON}|{_A_PERIOD_ID})$"
_VERSION = r"^[^:]+:\d+$"
_ADA = "3f2b8c1e-5d4a-4c3b-9a2e-7f6d5c4b3a21"


def plain_digits(value: object) -> object:
    """Refuse everything but digits in a number of a query: pydantic would also take `1_0`, `+5` and `10.0`."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,9}", value):
        raise ValueError("must be a whole number")
    return value


def _whole_number(value: object) -> object:
    """Refuse everything but a whole number, negative or not, in a score of a query."""
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,16}", value):
        raise ValueError("must be a whole number")
    return value


def _day(value: object) -> object:
    """Refuse everything but a day: pydantic would also take Unix time and the midnight of a day."""
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise ValueError("must be a day, such as 2026-11-23")


def composed(text: str) -> str:
    """Return the text with each letter and its accents as one character (Unicode NFC)."""
    return unicodedata.normalize("NFC", text)


def is_name(text: str) -> bool:
    """Return whether the text can be the id of an action or a board: 1 to 64 of a-z 0-9 _ -, and no sign first."""
    return re.fullmatch(_NAME, text, re.ASCII) is not None


def is_season_id(text: str) -> bool:
    """Return whether the text can be the id of a season: 1 to 32 of a-z 0-9 -."""
    return re.fullmatch(_SEASON_ID, text, re.ASCII) is not None


def is_idempotency_key(text: str) -> bool:
    return re.fullmatch(_IDEMPOTENCY_KEY, text, re.ASCII) is not None


def is_external_id(text: str) -> bool:
    return re.fullmatch(_EXTERNAL_ID, text, re.ASCII) is not None


def is_uuid(text: str) -> bool:
    """Return whether the text is a UUID in canonical form: lower case, with hyphens."""
    return _IS_UUID.fullmatch(text) is not None


UserId = Annotated[
    str,
    Field(
        pattern=_USER_ID,
        description="A user's id.",
        examples=[_ADA],
        json_schema_extra={"format": "uuid"},
    ),
]
GivenUserId = Annotated[
    str,
    Field(
        pattern=_GIVEN_USER_ID,
        description="A user's id, a UUID in its canonical form.",
        examples=[_ADA],
        json_schema_extra={"format": "uuid"},
    ),
]
ExternalId = Annotated[
    str,
    Field(
        pattern=_EXTERNAL_ID,
        description="A game's own id of a player: 1 to 128 printable ASCII characters without a space. It counts "
        "within the realm of the API key.",
        examples=["steam:76561197960287930"],
    ),
]
Username = Annotated[str, Field(min_length=1, max_length=128, description="The name as registered.", examples=["ada"])]
DisplayName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=32,
        description="The name to show, of any script. It is not unique: `username` is.",
        examples=["Ada Lovelace"],
    ),
]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$", description="A country: ISO 3166-1 alpha-2.", examples=["GB"])]
Avatar = Annotated[int, Field(ge=0, le=63, description="A built-in picture: `/avatars/{n}.svg`.", examples=[7])]
ActionId = Annotated[
    str,
    Field(
        pattern=_NAME,
        description="An action of the catalogue, which says how many points it is worth on which boards.",
        examples=["win-match"],
    ),
]
BoardId = Annotated[str, Field(pattern=_NAME, description="A board's id.", examples=[DEFAULT_BOARD])]
PeriodId = Annotated[
    str,
    Field(
        pattern=f"^(?:{ALL_TIME}|{_A_PERIOD_ID})$",
        description="A period's id: `all`, a day `2026-11-23`, a week `2026-W48`, a month `2026-11` or a season "
        "`s-spring-2026`.",
        examples=[ALL_TIME],
    ),
]
AskedPeriod = Annotated[
    str,
    Field(
        pattern=_ASKED_PERIOD,
        description="`all`, the current `daily`, `weekly` or `monthly`, `season` for the one that is open, or the id "
        "of a period, such as `2026-W48` or `s-spring-2026`.",
        examples=[ALL_TIME],
    ),
]
SeasonId = Annotated[
    str,
    Field(pattern=f"^{_SEASON_ID}$", description="A season's id within its board.", examples=["spring-2026"]),
]
IdempotencyKey = Annotated[
    str,
    Field(
        pattern=_IDEMPOTENCY_KEY,
        description="The client's own name for this update; with the same name it is counted once, for ever.",
        examples=["round-0001"],
    ),
]
AskedDay = Annotated[
    date,
    Field(examples=["2026-11-23"]),
    BeforeValidator(_day),
    WithJsonSchema(
        {"type": "string", "format": "date", "description": "A day of UTC.", "examples": ["2026-11-23"]},
    ),
]
Day = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        description="A day of UTC.",
        examples=["2026-11-23"],
        json_schema_extra={"format": "date"},
    ),
]
PageSize = Annotated[
    int,
    Field(ge=1, le=100, description="How many rows.", examples=[10]),
    BeforeValidator(plain_digits),  # last, else pydantic writes `ge` and `le` into the schema instead of bounds
]
TailSize = Annotated[
    int,
    Field(ge=1, le=1000, description="How many updates.", examples=[1000]),
    BeforeValidator(plain_digits),
]
AskedScore = Annotated[
    int,
    Field(ge=-GREATEST_SCORE, le=GREATEST_SCORE, description="A score to look for.", examples=[61200]),
    BeforeValidator(_whole_number),
]
EventId = Annotated[
    str, Field(pattern=r"^[0-9]{1,18}$", description="An update's number in the ledger.", examples=["802"])
]
Cursor = Annotated[
    str,
    Field(
        max_length=512,
        description="Where a page begins: opaque, from another answer.",
        examples=["WyJhZnRlciIsNjA3LDgwMl0.RudWzLtoFPPkG5bmZhUP_vfZA5JZCeTOit34Lthj0bU"],
    ),
]
Instant = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$",
        description="An instant: ISO 8601 in UTC with milliseconds.",
        examples=["2026-11-23T09:15:00.123Z"],
        json_schema_extra={"format": "date-time"},
    ),
]
Score = Annotated[
    int,
    Field(ge=-GREATEST_SCORE, le=GREATEST_SCORE, description="A total of points.", examples=[125]),
]
Points = Annotated[
    int,
    Field(
        ge=-GREATEST_SCORE,
        le=GREATEST_SCORE,
        description="What this update was worth: points of the catalogue, or its value.",
        examples=[25],
    ),
]
Second = Annotated[
    int,
    Field(
        ge=-GREATEST_SECOND,
        le=GREATEST_SECOND,
        description="The second score, which decides between equal first ones.",
        examples=[7],
    ),
]
Rank = Annotated[int, Field(ge=1, description="The position in the one total order, from 1.", examples=[3])]
Total = Annotated[int, Field(ge=0, description="How many players are ranked.", examples=[1234])]
Epoch = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        description="Names one life of a board; drawn anew when the board is built anew.",
        examples=["8f1c2b7a"],
    ),
]
Seq = Annotated[int, Field(ge=0, description="Counts the changes of a board within an epoch.", examples=[42])]
Version = Annotated[
    str, Field(description="The state of the board: `epoch:seq`.", pattern=_VERSION, examples=["8f1c2b7a:42"])
]
Sentence = Annotated[str, Field(description="A sentence for a person; may change.", examples=["Try again."])]

WORDS_OF_EXTERNAL_ID = "must be 1 to 128 printable ASCII characters without a space"

WORDS_OF_IDEMPOTENCY_KEY = "must be 8 to 64 of A-Z a-z 0-9 _ -"

WORDS_OF_PATTERN = {
    _GIVEN_USER_ID: "must be a user's id, which is a UUID; a game's own id of a player is an externalId",
    _NAME: "must be 1 to 64 of a-z 0-9 _ - and begin with a letter or a digit",
    _IDEMPOTENCY_KEY: WORDS_OF_IDEMPOTENCY_KEY,
    _EXTERNAL_ID: WORDS_OF_EXTERNAL_ID,
    _ASKED_PERIOD: "must be all, daily, weekly, monthly, season or the id of a period, such as 2026-W48",
    f"^{_SEASON_ID}$": "must be 1 to 32 letters a-z, digits or hyphens",
    _VERSION: "must be a version of the board, as an answer had it",
}
"""What a field has to be, in words, by the pattern that it must match."""
