"""The stored catalogue as a file in TOML, which changes nothing where it is applied. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from common.domain.achievement_wire import described_achievement
from common.domain.catalogue_plan import Stored
from common.domain.catalogue_wire import described_action, described_board, described_season
from common.domain.scoring import ClaimedBy, Kind

_CAPITAL = re.compile("[A-Z]")
_HEADER = "# The catalogue of a Scoreboard: `scoreboard apply FILE` brings another to the same.\nversion = 1\n"


def to_toml(stored: Stored) -> str:
    """Return the file. Actions that boards bring with them are not in it."""
    parts = [_HEADER]
    for _, board in sorted(stored.boards.items()):
        told = described_board(board)
        parts.append(_table("boards", {"id": told.pop("boardId"), **told}))
    for _, (action, enabled) in sorted(stored.actions.items()):
        if action.claimed_by is ClaimedBy.ADMIN:
            continue
        described: dict[str, Any] = {**described_action(action, enabled=enabled)}
        for name in ("version", "kind", "value" if action.kind is Kind.POINTS else "points"):
            del described[name]
        parts.append(_table("actions", {"id": described.pop("actionId"), **described}))
    for _, board in sorted(stored.boards.items()):
        for season in board.seasons:
            told = described_season(board.id, season)
            parts.append(_table("seasons", {"board": told.pop("board"), "id": told.pop("seasonId"), **told}))
    for _, achievement in sorted(stored.achievements.items()):
        told_whole: dict[str, Any] = {**described_achievement(achievement)}
        del told_whole["kind"]
        parts.append(_table("achievements", told_whole))
    return "\n".join(parts)


def _table(name: str, values: Mapping[str, Any]) -> str:
    return "\n".join([f"[[{name}]]", *_lines(values), ""])


def _lines(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each value; TOML has no null, and what is left out is null."""
    for name, value in values.items():
        if value is not None:
            yield f"{_snake(name)} = {_value(name, value)}"


def _value(name: str, value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(_lines(value)) + " }"
    if name in ("opensAt", "closesAt", "startsAt", "endsAt"):
        return str(value)
    return json.dumps(value, ensure_ascii=False)  # texts, numbers, booleans and lists of texts are the same in TOML


def _snake(name: str) -> str:
    return _CAPITAL.sub(lambda letter: f"_{letter[0].lower()}", name)
