"""What is told of a player beside their score: names, country, picture, and who may see that. Pure."""

from enum import StrEnum
from typing import NamedTuple

ANONYMOUS = "Anonymous"
"""The name of everybody who does not want to be named. No account can have it."""

PICTURES = 64
"""The number of built-in pictures, which are numbered from 0."""


class PlayerVisibility(StrEnum):
    """Whether a player stands on boards with their name, as somebody, or not at all."""

    NAMED = "named"
    ANONYMOUS = "anonymous"
    UNLISTED = "unlisted"


class Details(NamedTuple):
    """The details of a player. `display_name`, `country` and `avatar` are None where they are not set."""

    username: str
    display_name: str | None = None
    country: str | None = None
    avatar: int | None = None
    visibility: PlayerVisibility = PlayerVisibility.NAMED


class KnownDetails(NamedTuple):
    """Details with the number of changes that led to them. A suspended player is shown nowhere."""

    details: Details
    version: int = 0
    is_suspended: bool = False
