"""The keys under which Flask-Limiter counts a limit in Redis, for scripts that count against the same limit."""

from collections.abc import Callable
from typing import NamedTuple

from limits import RateLimitItem, parse_many
from limits.storage import RedisStorage

_PLACE = "{place}"


class CountedLimit(NamedTuple):
    """One limit as a script takes it: the most requests in a window of so many seconds, and the keys of a place.

    `keys_of` returns two keys for a sliding window, that before this one and the current one, and one for a moving
    window. A place is an address or a user id.
    """

    amount: int
    seconds: int
    keys_of: Callable[[str], tuple[str, ...]]


def sliding_limit(storage: RedisStorage, text: str, scope: str) -> CountedLimit | None:
    """Return the only limit that `text` states, counted in a sliding window; None if it states several."""

    def previous(key: str) -> str:
        return storage.prefixed_key(storage._previous_window_key(key))

    def current(key: str) -> str:
        return storage.prefixed_key(storage._current_window_key(key))

    return _counted(text, scope, [previous, current])


def moving_limit(storage: RedisStorage, text: str, scope: str) -> CountedLimit | None:
    """Return the only limit that `text` states, counted in a moving window; None if it states several."""
    return _counted(text, scope, [storage.prefixed_key])


def _counted(text: str, scope: str, naming: list[Callable[[str], str]]) -> CountedLimit | None:
    items: list[RateLimitItem] = parse_many(text)
    if len(items) != 1:
        return None
    key = items[0].key_for(_PLACE, scope)
    patterns = [tuple(name(key).split(_PLACE)) for name in naming]

    def keys_of(place: str) -> tuple[str, ...]:
        return tuple(f"{start}{place}{end}" for start, end in patterns)

    return CountedLimit(items[0].amount, items[0].get_expiry(), keys_of)
