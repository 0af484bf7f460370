"""A refusal names the mistake that a person is likely to have made, in words."""

import json
import re
import secrets
import time

import pytest

from tests.game_server import BATCH, GameServer, item, signed
from tests.player import error_code

ADA = "11111111-1111-4111-8111-111111111111"


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"X-Api-Key": ""}, "api_key_invalid", "X-Api-Key is missing"),
        ({"X-Api-Key": "arena"}, "api_key_invalid", "takes the id of an API key"),
        ({"X-Api-Key": secrets.token_urlsafe(32)}, "api_key_invalid", "looks like its secret"),
        ({"X-Api-Key": "sbk_" + "0" * 20}, "api_key_invalid", "no such API key, or it was revoked"),
        ({"X-Signature": ""}, "signature_invalid", "X-Signature is missing"),
        ({"X-Signature": "0" * 64}, "signature_invalid", "X-Signature must be t=<Unix seconds>,v2="),
        ({"X-Signature": f"t={time.time_ns() // 10**6},v2={'0' * 64}"}, "timestamp_out_of_range", "milliseconds"),
    ],
)
def test_a_request_that_is_signed_wrongly_is_told_how(
    server: GameServer, change: dict[str, str], code: str, words: str
) -> None:
    answer = server.client.post(BATCH, data=b"{}", headers={**signed(server.key_id, server.secret, b"{}"), **change})
    assert error_code(answer) == code
    assert words in answer.get_json()["error"]["message"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"userId": "player-7"},
            "userId: must be a user's id, which is a UUID; a game's own id of a player is an externalId",
        ),
        ({"timestamp": 1795425307}, "timestamp: must be ISO 8601 with an offset"),
        ({"timestamp": "1795425307"}, "and not Unix time"),
        ({"points": 25}, "points: there is no such field: the action says how many points it is worth"),
        ({"idempotencyKey": "short"}, "idempotencyKey: must be 8 to 64 of A-Z a-z 0-9 _ -"),
        ({"actionId": "Win Match"}, "actionId: must be 1 to 64 of a-z 0-9 _ -"),
        ({"externalId": "a b", "userId": None}, "externalId: must be 1 to 128 printable ASCII characters"),
        ({"externalId": "a"}, "exactly one of userId and externalId"),
    ],
)
def test_an_update_that_is_refused_is_told_what_it_has_to_be(
    server: GameServer, change: dict[str, object], words: str
) -> None:
    (refusal,) = server.send({**item(ADA), **change}).get_json()["refused"]
    assert refusal["code"] == "validation_failed"
    assert words in refusal["message"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/api/auth/register", {"username": "a b", "password": "correct horse"}),
        ("post", "/api/scores/lookup", {"userIds": ["x"], "board": "A B", "period": "yearly"}),
        ("get", "/api/scores/leaderboard?around=x&board=A%20B&period=yearly", None),
    ],
)
def test_no_message_shows_a_pattern_or_the_library_s_words(
    server: GameServer, method: str, path: str, body: object
) -> None:
    answer = server.client.open(path, method=method.upper(), json=body)
    assert answer.status_code == 400
    messages = json.dumps(answer.get_json())
    assert not re.search(r"\^|\[0-9|\$|Value error|pattern", messages), messages
