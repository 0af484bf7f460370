"""The view of game servers that make their players known."""

from collections.abc import Sequence
from typing import NamedTuple

from flask import Blueprint, Response, jsonify

from common.contract.errors import ErrorCode, ScoreboardError, invalid_field, sentence_of
from common.contract.requests import NewPlayer, PlayersRequest
from common.contract.responses import KnownPlayers, PlayerRefusal
from common.domain import player_profiles
from common.domain.details import PlayerVisibility
from common.domain.permissions import Scope
from common.postgres import game_players
from common.postgres.game_players import Ensured, GamePlayer
from web.api.parsing import body_as, validated
from web.guards import limits
from web.guards.access import by_api_key
from web.guards.api_keys import api_key
from web.reference.documented import ResponseDoc, documented
from web.services import services

blueprint = Blueprint("players", __name__, url_prefix="/api")


class _Read(NamedTuple):
    """The players of a request that are good, by their places in it, and the refusals of the others."""

    good: dict[int, GamePlayer]
    refused: dict[int, PlayerRefusal]

    def refuse(self, index: int, error: ScoreboardError) -> None:
        self.refused[index] = {
            "index": index,
            "code": ErrorCode.VALIDATION_FAILED,
            "message": sentence_of(error),
        }


@blueprint.post("/players")
@documented(
    "makePlayers",
    "Make players of a game server known",
    description="A player is known by the game's own id within the realm of the API key, and needs no account. One "
    "who is known already stays as they are, so a request is safe to repeat.",
    body=PlayersRequest,
    headers=["X-Signature.v2"],
    answers=[
        ResponseDoc(200, "The players that are there now.", KnownPlayers),
        ResponseDoc(400, "Every player was refused.", KnownPlayers),
    ],
)
@by_api_key(Scope.PLAYERS)
@limits.per_api_key
def players() -> tuple[Response, int]:
    read = _read(body_as(PlayersRequest).players)
    realm, visibility = api_key().realm, PlayerVisibility(services().settings.visibility_default)
    with services().engine.begin() as connection:
        refused = game_players.refused_names(connection, realm, list(read.good.values()))
        for index in [index for index, player in read.good.items() if player.external_id in refused]:
            del read.good[index]
            read.refuse(index, invalid_field("displayName", "must not be the username of another player"))
        ensured = game_players.ensure(connection, realm, list(read.good.values()), visibility)
    services().profiles.show(ensured.changed)
    return jsonify(_to_wire(read, ensured)), 200 if read.good else 400


def _read(items: Sequence[object]) -> _Read:
    read = _Read({}, {})
    for index, item in enumerate(items):
        try:
            player = validated(NewPlayer, item)
            profile = player_profiles.parse(player.display_name, player.country)
        except ScoreboardError as error:
            read.refuse(index, error)
        else:
            read.good[index] = GamePlayer(player.external_id, profile)
    return read


def _to_wire(read: _Read, ensured: Ensured) -> KnownPlayers:
    players: KnownPlayers = {"players": [], "refused": [read.refused[index] for index in sorted(read.refused)]}
    for player in read.good.values():
        user = ensured.known[player.external_id]
        players["players"].append({"externalId": player.external_id, "userId": user.user_id, "created": user.created})
    return players
