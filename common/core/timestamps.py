"""Instants on the wire: ISO 8601, UTC, milliseconds, `Z`."""

import re
from datetime import UTC, datetime
from functools import lru_cache

_ISO_8601_CHARACTERS = re.compile(r"[0-9TWZ:.,+-]{8,40}", re.ASCII)
_FRACTION_OF_MORE_THAN_A_SECOND = re.compile(r"T\d\d(:?\d\d)?[.,]", re.ASCII)
"""A fraction of an hour or a minute, which Python would read as a fraction of a second."""


def format_instant(instant: datetime) -> str:
    """Format an instant as `2026-11-23T09:15:00.123Z`. Digits are truncated, so no instant moves into the future."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


@lru_cache(maxsize=1024)
def format_milliseconds(milliseconds: int) -> str:
    """Format a Unix time in milliseconds as `format_instant` does. Most rows of a batch or a page share a few."""
    return format_instant(from_milliseconds(milliseconds))


@lru_cache(maxsize=1024)
def parse_instant(text: str) -> datetime:
    """Parse an ISO 8601 date and time with an offset into an aware UTC datetime.

    Raises ValueError for anything else.
    """
    if "T" not in text or not _ISO_8601_CHARACTERS.fullmatch(text) or _FRACTION_OF_MORE_THAN_A_SECOND.search(text):
        raise ValueError("not an ISO 8601 date and time")
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("the offset from UTC is missing")
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of the range of dates") from error


def from_milliseconds(milliseconds: int) -> datetime:
    """Return the instant of a Unix time in milliseconds, exact to the millisecond."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)


def to_milliseconds(instant: datetime) -> int:
    return int(instant.timestamp()) * 1000 + instant.microsecond // 1000
