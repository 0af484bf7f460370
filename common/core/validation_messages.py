"""What our own checks say of a value, as pydantic hands it on."""

from pydantic_core import ErrorDetails

_PREFIX = "Value error, "
"""What pydantic puts before the message of a ValueError."""


def message_of(problem: ErrorDetails) -> str:
    """Return the message of a problem as the check raised it."""
    return problem["msg"].removeprefix(_PREFIX)
