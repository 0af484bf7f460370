"""Prepared HTTP requests, each a whole text. Score updates are fresh, signed, and each has its own idempotency key."""

import json
import secrets
import time
from collections.abc import Sequence

from bench.players import GameServer, Player
from common.core.timestamps import format_instant, from_milliseconds
from common.domain import signing

ACTION = "share"
"""The action of every update; it is worth a point."""

BATCH = "/api/scores/batch"
_JSON = "Content-Type: application/json\r\n"


def get(target: str, *header_lines: str) -> bytes:
    """Return a GET request."""
    head = "".join(f"{line}\r\n" for line in header_lines)
    return f"GET {target} HTTP/1.1\r\nHost: bench\r\n{head}\r\n".encode()


def updates(players: Sequence[Player], count: int, *, waits: bool, action: str = ACTION) -> list[bytes]:
    """Return score updates of these players in turn. Without `waits` each asks to be answered 202 at once."""
    timestamp, run = format_instant(from_milliseconds(int(time.time() * 1000))), secrets.token_hex(8)
    return [
        update(players[n % len(players)], timestamp, f"{run}-{n}", waits=waits, action=action) for n in range(count)
    ]


def update(player: Player, timestamp: str, key: str, *, waits: bool, action: str = ACTION) -> bytes:
    """Return one score update."""
    text = signing.score_update_text(player.user_id, action, timestamp, key)
    claim = {
        "userId": player.user_id,
        "actionId": action,
        "timestamp": timestamp,
        "idempotencyKey": key,
        "signature": signing.sign(player.key, text),
    }
    prefer = "" if waits else "Prefer: respond-async\r\n"
    return _post("/api/scores/update", f"Authorization: Bearer {player.token}\r\n{prefer}", json.dumps(claim))


def batches(server: GameServer, user_ids: Sequence[str], count: int, size: int) -> list[bytes]:
    """Return batches of `size` updates each, of these users in turn, signed with the API key."""
    timestamp, run = format_instant(from_milliseconds(int(time.time() * 1000))), secrets.token_hex(8)
    return [
        _batch(
            server,
            [
                {
                    "userId": user_ids[n % len(user_ids)],
                    "actionId": ACTION,
                    "timestamp": timestamp,
                    "idempotencyKey": f"{run}-{n}",
                }
                for n in range(number * size, (number + 1) * size)
            ],
        )
        for number in range(count)
    ]


def _batch(server: GameServer, items: Sequence[dict[str, str]]) -> bytes:
    body, seconds = json.dumps({"updates": items}), str(int(time.time()))
    text = signing.api_request_text_v2(seconds, "POST", BATCH, server.key_id, body.encode())
    signature = f"t={seconds},v2={signing.sign(server.secret.encode(), text)}"
    return _post(BATCH, f"X-Api-Key: {server.key_id}\r\nX-Signature: {signature}\r\n", body)


def _post(target: str, head: str, body: str) -> bytes:
    return f"POST {target} HTTP/1.1\r\nHost: bench\r\n{head}{_JSON}Content-Length: {len(body)}\r\n\r\n{body}".encode()
