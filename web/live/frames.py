"""Frames and messages of the live protocol. Pure. Server frames are unmasked, so the same bytes serve every viewer."""

import struct
from collections.abc import Mapping

import orjson

from common.contract.live_messages import (
    Delta,
    Heartbeat,
    Me,
    Resumed,
    Rollover,
    SeasonShown,
    Snapshot,
    Unlock,
    Unlocks,
)
from common.core.timestamps import format_instant, from_milliseconds
from common.domain import achievements as domain
from common.domain.entries import BoardHead, Entry, Place
from common.domain.seasons import Season

_TEXT, _CLOSE, _PING = 0x81, 0x88, 0x89  # RFC 6455 section 5.2: FIN and opcode
_SHORT, _MEDIUM = 126, 65536  # section 5.2: the three lengths of a length
_LONGEST_REASON = 123  # section 5.5: a control frame holds 125 bytes

RESTART, POLICY, PING_TIMEOUT = 1012, 1008, 1001

Message = Mapping[str, object]


def text_frame(message: Message) -> bytes:
    """Return the message as one unfragmented text frame."""
    return _frame(_TEXT, orjson.dumps(message))


def close_frame(code: int, reason: str) -> bytes:
    return _frame(_CLOSE, struct.pack("!H", code) + reason.encode()[:_LONGEST_REASON])


def snapshot(board_id: str, period_id: str, limit: int, top: BoardHead, season: Season | None = None) -> bytes:
    """Return the frame with the whole head of a board, and with its season, if it has one."""
    message: Snapshot = {
        "type": "snapshot",
        "board": board_id,
        "period": period_id,
        "epoch": top.epoch,
        "seq": top.seq,
        "at": format_instant(from_milliseconds(top.at)),
        "limit": limit,
        "total": top.total,
        "entries": [entry.to_wire() for entry in top.entries],
    }
    if season:
        message["season"] = _season(season)
    return text_frame(message)


def delta(before: BoardHead, after: BoardHead) -> bytes | None:
    """Return the frame of what changed between two heads of one epoch; None if viewers would see no difference."""
    known = {entry.user_id: entry for entry in before.entries}
    changed: list[Entry] = [entry for entry in after.entries if known.pop(entry.user_id, None) != entry]
    if not changed and not known and before.total == after.total:
        return None
    message: Delta = {
        "type": "delta",
        "epoch": after.epoch,
        "from": before.seq,
        "seq": after.seq,
        "at": format_instant(from_milliseconds(after.at)),
        "total": after.total,
        "entries": [entry.to_wire() for entry in changed],
        "removed": list(known),
    }
    return text_frame(message)


def resumed(top: BoardHead, season: Season | None = None) -> bytes:
    message: Resumed = {"type": "resumed", "epoch": top.epoch, "seq": top.seq}
    if season:
        message["season"] = _season(season)
    return text_frame(message)


def rollover(board_id: str, period_id: str) -> bytes:
    message: Rollover = {"type": "rollover", "board": board_id, "period": period_id}
    return text_frame(message)


def me(place: Place, previous_rank: int | None, seq: int) -> bytes:
    """Return the frame of a viewer's own place. The rank before is null in a first message, or if there was none."""
    message: Me = {"type": "me", "seq": seq, "entry": place.to_wire(), "previousRank": previous_rank}
    return text_frame(message)


def achievements(unlocked: list[str]) -> bytes:
    """Return the frame of all that a viewer has unlocked."""
    message: Unlocks = {"type": "achievements", "unlocked": unlocked}
    return text_frame(message)


def achievement(unlock: domain.Unlock, of: domain.Achievement) -> bytes:
    """Return the frame of what a viewer has just unlocked."""
    message: Unlock = {
        "type": "achievement",
        "achievement": {
            "achievementId": of.id,
            "title": of.title,
            "icon": of.icon,
            "unlockedAt": format_instant(from_milliseconds(unlock.unlocked_at)),
            "scope": unlock.scope,
        },
    }
    return text_frame(message)


def _season(season: Season) -> SeasonShown:
    begin, end = format_instant(season.starts_at), format_instant(season.ends_at)
    return {"period": season.period_id, "title": season.title, "startsAt": begin, "endsAt": end}


def _heartbeat() -> bytes:
    message: Heartbeat = {"type": "hb"}
    return text_frame(message)


def _frame(head: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < _SHORT:
        return struct.pack("!BB", head, length) + payload
    if length < _MEDIUM:
        return struct.pack("!BBH", head, 126, length) + payload
    return struct.pack("!BBQ", head, 127, length) + payload


PING = bytes((_PING, 0))
HEARTBEAT = _heartbeat()
