"""The players of a batch: who is meant by a user id or an external id, and whom the API key may name."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple, Protocol

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain.details import PlayerVisibility
from common.domain.permissions import Permissions
from common.postgres import identities
from web.services import Services


class NamesPlayer(Protocol):
    """An item that names a player by one of two ids."""

    @property
    def user_id(self) -> str | None: ...

    @property
    def external_id(self) -> str | None: ...


class Players(NamedTuple):
    """The users whom the items of a batch name.

    `by_external_id` has the user id of each external id that is known, `is_suspended` the users whom the key may name.
    `were_made` says that the batch has made new ones.
    """

    by_external_id: Mapping[str, str]
    is_suspended: Mapping[str, bool]
    were_made: bool

    def user_of(self, item: NamesPlayer) -> str:
        """Return the id of the item's user. Raises `unknown_user` or `account_suspended`."""
        user_id = self.by_external_id.get(item.external_id) if item.external_id else (item.user_id or "").lower()
        if user_id is None or user_id not in self.is_suspended:
            named = f"player {item.external_id!r} in this realm" if item.external_id else f"user {item.user_id}"
            raise ScoreboardError(ErrorCode.UNKNOWN_USER, f"There is no {named}.")
        if self.is_suspended[user_id]:
            raise ScoreboardError(ErrorCode.ACCOUNT_SUSPENDED)
        return user_id


def find(
    services: Services, permissions: Permissions, items: Iterable[NamesPlayer], to_make: Collection[str] = ()
) -> Players:
    """Return the players of a batch. Those of `to_make`, external ids, are made where they are new.

    New players are committed on return: from here on, a crash leaves a player without points, and never the reverse.
    """
    external_ids, user_ids = set(), set()
    for item in items:
        if item.external_id:
            external_ids.add(item.external_id)
        elif item.user_id:
            user_ids.add(item.user_id.lower())
    with services.engine.connect() as connection:
        known = identities.find(connection, permissions.realm, external_ids)
    missing = {external_id for external_id in to_make if external_id not in known}
    if missing:
        visibility = PlayerVisibility(services.settings.visibility_default)
        with services.engine.begin() as connection:
            made = identities.ensure(connection, permissions.realm, missing, visibility=visibility)
        known |= {external_id: player.user_id for external_id, player in made.items()}
    with services.engine.connect() as connection:
        nameable = identities.find_nameable(connection, permissions.realm, user_ids.union(known.values()))
    return Players(known, nameable, were_made=bool(missing))
