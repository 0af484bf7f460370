"""Making players of game servers known, with what is shown of them, many in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from common.domain.details import PlayerVisibility
from common.domain.player_profiles import PlayerProfile
from common.postgres import identities, people
from common.postgres.identities import Known
from common.postgres.people import Change


class GamePlayer(NamedTuple):
    """A player as a game server names them. Without a `username` one is drawn."""

    external_id: str
    profile: PlayerProfile = PlayerProfile()
    username: str | None = None


class Ensured(NamedTuple):
    """The players that are there now, by external id, and the users of whom something else is shown from now on."""

    known: Mapping[str, Known]
    changed: Sequence[str]


def refused_names(connection: Connection, realm: str, players: Sequence[GamePlayer]) -> set[str]:
    """Return the external ids of those whose display name is the username of somebody else."""
    names = {player.external_id: player.profile.display_name for player in players if player.profile.display_name}
    if not names:
        return set()
    owners = people.find_owners(connection, set(names.values()))
    users = identities.find(connection, realm, names)
    return {external_id for external_id, name in names.items() if owners.get(name, set()) - {users.get(external_id)}}


def ensure(connection: Connection, realm: str, players: Sequence[GamePlayer], visibility: PlayerVisibility) -> Ensured:
    """Make these players known, new ones with this visibility; what is given of one who is there replaces what was.

    Of two with the same external id the last one counts. Raises as `identities.ensure` does.
    """
    by_id = {player.external_id: player for player in players}
    usernames = {external_id: player.username for external_id, player in by_id.items() if player.username}
    profiles = {external_id: player.profile for external_id, player in by_id.items()}
    known = identities.ensure(connection, realm, by_id, usernames, visibility=visibility, profiles=profiles)
    wanted = {user.user_id: profiles[external_id] for external_id, user in known.items() if not user.created}
    return Ensured(known, _change(connection, {user_id: each for user_id, each in wanted.items() if each.fields}))


def _change(connection: Connection, wanted: Mapping[str, PlayerProfile]) -> Sequence[str]:
    """Change what is shown of players, in one global order, and return those of whom it was something else."""
    if not wanted:
        return ()
    details = people.find_details(connection, wanted)
    now = datetime.now(UTC)
    return [
        user_id
        for user_id in sorted(details)
        if (details[user_id].details.display_name, details[user_id].details.country) != wanted[user_id]
        and people.change_profile(connection, user_id, Change(wanted[user_id].fields), now, counted=False)
    ]
