"""The view of game servers that make their players known."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from flask import Blueprint, Response, g, jsonify

from common.contract.errors import ScoreboardError, invalid_field, sentence_of
from common.contract.requests import NewPlayer, PlayersRequest
from common.contract.responses import KnownPlayers, PlayerRefusal
from common.core import deadlines
from common.domain import enrolments, player_profiles
from common.domain.boards import Board, Visibility
from common.domain.details import PlayerVisibility
from common.domain.enrolments import Enrolment
from common.domain.permissions import Scope
from common.postgres import game_players
from common.postgres.game_players import Ensured, GamePlayer
from common.redis_store.inbox import InboxFullError
from common.services import enrolling
from web.api.parsing import body_as, validated
from web.guards import limits
from web.guards.access import by_api_key
from web.guards.api_keys import api_key
from web.intake import updates
from web.reference.documented import ResponseDoc, documented
from web.services import services

blueprint = Blueprint("players", __name__, url_prefix="/api")

_ENROLLED_OR_NOT = "The players were made known, and may have been enrolled or not; send it again."


class _Read(NamedTuple):
    """The players of a request that are good, by their places in it, and the refusals of the others.

    `boards` has those on which they are enrolled.
    """

    good: dict[int, GamePlayer]
    refused: dict[int, PlayerRefusal]
    boards: dict[int, Sequence[str]]

    def refuse(self, index: int, error: ScoreboardError) -> None:
        self.refused[index] = {"index": index, "code": error.code, "message": sentence_of(error)}

    def enrolments(self, ensured: Ensured, boards: Mapping[str, Board]) -> list[Enrolment]:
        """Return who is enrolled where, of the good ones."""
        asked = ((ensured.known[player.external_id].user_id, self.boards[i]) for i, player in self.good.items())
        return enrolments.of_players(asked, boards)


@blueprint.post("/players")
@documented(
    "makePlayers",
    "Make players of a game server known",
    description="A player is known by the game's own id within the realm of the API key, and needs no account. One "
    "who is known already stays as they are, so a request is safe to repeat. With `boards` the player is enrolled: a "
    "standing of 0 on each of them, in the periods of now, made by a worker in a moment. Who stands there already is "
    "not moved. A board may open later, but not be closed.",
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
    asked, boards = body_as(PlayersRequest).players, _boards()
    read = _read(asked, boards)
    realm, visibility = api_key().realm, PlayerVisibility(services().settings.visibility_default)
    with services().engine.begin() as connection:
        refused = game_players.refused_names(connection, realm, list(read.good.values()))
        for index in [index for index, player in read.good.items() if player.external_id in refused]:
            del read.good[index]
            read.refuse(index, invalid_field("displayName", "must not be the username of another player"))
        ensured = game_players.ensure(connection, realm, list(read.good.values()), visibility)
    services().profiles.show(ensured.changed)
    _enrol(read.enrolments(ensured, boards))
    return jsonify(_to_wire(read, ensured)), 200 if read.good else 400


def _boards() -> Mapping[str, Board]:
    """Return the boards that the API key may know of."""
    boards = services().catalogue.current().boards
    if Scope.READ in api_key().permissions.scopes:
        return boards
    return {board.id: board for board in boards.values() if board.visibility is not Visibility.HIDDEN}


def _enrol(asked: Sequence[Enrolment]) -> None:
    inbox = services().inbox
    try:
        with deadlines.effect(_ENROLLED_OR_NOT):
            ring = enrolling.enrol(services().engine, inbox, asked, api_key().id, g.request_id)
    except InboxFullError:
        raise updates.inbox_is_full(but="the players were made known") from None
    if ring:
        services().doorbell.ring()


def _read(items: Sequence[object], boards: Mapping[str, Board]) -> _Read:
    read, now = _Read({}, {}, {}), datetime.now(UTC)
    for index, item in enumerate(items):
        try:
            player = validated(NewPlayer, item)
            profile = player_profiles.parse(player.display_name, player.country)
            enrolments.check(player.boards or (), boards, now)
        except ScoreboardError as error:
            read.refuse(index, error)
        else:
            read.good[index] = GamePlayer(player.external_id, profile)
            read.boards[index] = player.boards or ()
    return read


def _to_wire(read: _Read, ensured: Ensured) -> KnownPlayers:
    players: KnownPlayers = {"players": [], "refused": [read.refused[index] for index in sorted(read.refused)]}
    for player in read.good.values():
        user = ensured.known[player.external_id]
        players["players"].append({"externalId": player.external_id, "userId": user.user_id, "created": user.created})
    return players
