"""The view of game servers that make their players known."""

from collections.abc import Sequence
from typing import NamedTuple

from flask import Blueprint, Response, jsonify

from common.contract.errors import ErrorCode, ScoreboardError, sentence_of
from common.contract.requests import NewPlayer, PlayersRequest
from common.contract.responses import KnownPlayers, PlayerRefusal
from common.domain.details import PlayerVisibility
from common.domain.permissions import Scope
from common.postgres import identities
from common.postgres.identities import Known
from web.api.parsing import body_as, validated
from web.guards import limits
from web.guards.access import by_api_key
from web.guards.api_keys import api_key
from web.reference.documented import ResponseDoc, documented
from web.services import services

blueprint = Blueprint("players", __name__, url_prefix="/api")


class _Read(NamedTuple):
    """The players of a request that are good, in its order, and those that are not."""

    good: list[NewPlayer]
    refused: list[PlayerRefusal]


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
    visibility = PlayerVisibility(services().settings.visibility_default)
    external_ids = [player.external_id for player in read.good]
    with services().engine.begin() as connection:
        known = identities.ensure(connection, api_key().realm, external_ids, visibility=visibility)
    return jsonify(_told(external_ids, known, read.refused)), 200 if read.good else 400


def _read(items: Sequence[object]) -> _Read:
    read = _Read([], [])
    for index, item in enumerate(items):
        try:
            read.good.append(validated(NewPlayer, item))
        except ScoreboardError as error:
            read.refused.append({"index": index, "code": ErrorCode.VALIDATION_FAILED, "message": sentence_of(error)})
    return read


def _told(external_ids: Sequence[str], known: dict[str, Known], refused: list[PlayerRefusal]) -> KnownPlayers:
    players: KnownPlayers = {"players": [], "refused": refused}
    for external_id in external_ids:
        player = known[external_id]
        players["players"].append({"externalId": external_id, "userId": player.user_id, "created": player.created})
    return players
