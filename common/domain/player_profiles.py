"""What a game server says of its player beside the score: a display name and a country. Pure."""

from typing import NamedTuple

from common.contract.errors import invalid_field
from common.domain import countries, display_names


class PlayerProfile(NamedTuple):
    """What is shown of a player. None leaves it as it is."""

    display_name: str | None = None
    country: str | None = None

    @property
    def fields(self) -> dict[str, str]:
        """The columns that are given, with their values."""
        return {name: value for name, value in self._asdict().items() if value is not None}


def parse(display_name: str | None, country: str | None) -> PlayerProfile:
    """Return the profile that texts stand for. Raises `validation_failed`, which says in words what is wrong."""
    try:
        name = display_names.parse(display_name) if display_name is not None else None
    except ValueError as problem:
        raise invalid_field("displayName", str(problem)) from None
    try:
        return PlayerProfile(name, countries.parse(country) if country is not None else None)
    except ValueError as problem:
        raise invalid_field("country", str(problem)) from None
