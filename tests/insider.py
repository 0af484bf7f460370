"""Gives generated requests what only somebody with an account knows, so that some get past the first refusal."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from schemathesis import APIOperation, Case
from schemathesis.core.parameters import ParameterLocation

from common.core.timestamps import format_instant
from common.domain import signing
from tests.player import PASSWORD, Player, log_in

AnyCase = Case[Any]
AnyOperation = APIOperation[Any, Any, Any, Any]
Body = dict[str, Any]


class Insider:
    """Helps every second request, always the same ones: what is drawn must not depend on the moment."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._fill: dict[str, Callable[[AnyCase, int], None]] = {
            "logIn": self._name_an_account,
            "refreshSession": self._hand_in_a_token,
            "updateScore": self._sign,
            "readUpdate": self._ask_for_a_known_update,
            "readPlayer": self._ask_for_a_known_player,
            "readPlayerBoards": self._ask_for_a_known_player,
            "listPlayerEvents": self._ask_for_a_known_player,
            "readLeaderboard": self._ask_in_one_way,
            "lookUpPlayers": self._look_for_a_known_player,
        }
        player.update("share", "known-update")

    def help(self, case: AnyCase) -> Mapping[str, str]:
        """Fill in a request; the header fields to send with it."""
        operation: Mapping[str, Any] = case.operation.definition.raw
        drawn = crc32(repr((case.path_parameters, case.query, case.headers, case.body)).encode())
        if drawn % 2 or _breaks_the_headers(case):
            return {}
        if is_as_documented(case):
            self._fill.get(operation["operationId"], _nothing)(case, drawn // 2)
        return self._headers_for(operation)

    def _headers_for(self, operation: Mapping[str, Any]) -> Mapping[str, str]:
        if not operation["security"]:
            return {}
        player = self._player
        return log_in(player.client, "ada").headers if operation["operationId"] == "logOut" else player.headers

    def _name_an_account(self, case: AnyCase, _drawn: int) -> None:
        case.body = {"username": "ada", "password": PASSWORD}

    def _hand_in_a_token(self, case: AnyCase, _drawn: int) -> None:
        case.body = {"refreshToken": self._player.login["refreshToken"]}

    def _sign(self, case: AnyCase, drawn: int) -> None:
        """Mostly the caller's own claim, and mostly of an action that there is."""
        if not isinstance(case.body, dict) or drawn % 8 == 0:
            return
        claim: Body = {**case.body, "userId": self._player.user_id, "timestamp": format_instant(datetime.now(UTC))}
        if drawn % 4:
            claim["actionId"] = "win-match"
        fields = (claim[name] for name in ("userId", "actionId", "timestamp", "idempotencyKey"))
        key = signing.from_base64url(self._player.login["signingKey"])
        case.body = {**claim, "signature": signing.sign(key, signing.score_update_text(*fields))}

    def _ask_for_a_known_update(self, case: AnyCase, _drawn: int) -> None:
        case.path_parameters = {"idempotencyKey": "known-update"}
        case.query = {}  # whose is meant is said otherwise with an API key

    def _ask_in_one_way(self, case: AnyCase, drawn: int) -> None:
        """Of the parameters that say where a page is, only one can stand."""
        case.query = {"aroundScore": "5"} if drawn % 2 else {}

    def _look_for_a_known_player(self, case: AnyCase, _drawn: int) -> None:
        case.body = {"userIds": [self._player.user_id]}

    def _ask_for_a_known_player(self, case: AnyCase, _drawn: int) -> None:
        case.path_parameters = {"userId": self._player.user_id}


def is_as_documented(case: AnyCase) -> bool:
    """Whether the request keeps to the document, and was not made to break it."""
    return case.meta is None or case.meta.generation.mode.is_positive


def _breaks_the_headers(case: AnyCase) -> bool:
    """Whether it is the header fields that were made to break the document; a token among them would mend them."""
    headers = case.meta.components.get(ParameterLocation.HEADER) if case.meta else None
    return headers is not None and headers.mode.is_negative


def _nothing(_case: AnyCase, _drawn: int) -> None:
    """No more than the token."""
