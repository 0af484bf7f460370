"""What an API key may do: its scopes, the realm of the players whom it may name, and the actions it may claim. Pure.

A key in a game server is stolen sooner or later; what it may not do, the thief may not do either.
"""

import re
from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

DEFAULT_REALM = "default"


class Scope(StrEnum):
    """A group of routes that an API key may call."""

    SUBMIT = "submit"
    PLAYERS = "players"
    ACHIEVEMENTS = "achievements"
    READ = "read"
    MANAGE = "manage"


_REALM = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}|[a-z0-9][a-z0-9_-]{0,62}\*|\*", re.ASCII)


class Permissions(NamedTuple):
    """What an API key may do. `actions` are ids of actions, or beginnings of ids with a `*`; None means all."""

    scopes: frozenset[Scope] = frozenset({Scope.SUBMIT})
    realm: str = DEFAULT_REALM
    actions: tuple[str, ...] | None = None

    def may_claim(self, action_id: str) -> bool:
        """Return whether an update of this action may be submitted."""
        return self.actions is None or any(_fits(pattern, action_id) for pattern in self.actions)


SUBMITTING = Permissions()
"""What a key may do that says nothing else, and what the keys may that are older than permissions."""


def is_realm(text: str) -> bool:
    """Return whether the text can be the name of a realm."""
    return _REALM.fullmatch(text) is not None


def is_pattern(text: str) -> bool:
    """Return whether the text is an action's id, or the beginning of one with a `*` behind it."""
    return _PATTERN.fullmatch(text) is not None


def known_scopes(names: Collection[str]) -> frozenset[Scope]:
    """Return the scopes of these names; one that only another version knows opens nothing here."""
    return frozenset(scope for scope in Scope if scope in names)


def _fits(pattern: str, action_id: str) -> bool:
    return action_id.startswith(pattern[:-1]) if pattern.endswith("*") else action_id == pattern
