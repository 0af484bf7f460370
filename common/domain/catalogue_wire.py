"""Boards and actions as JSON tells them. Pure."""

from datetime import datetime
from typing import Any, cast

from common.contract.catalogue_responses import (
    ActionDescription,
    BoardDescription,
    BoardFormat,
    CurrentPeriod,
    SeasonDescription,
)
from common.core.timestamps import format_instant
from common.domain.boards import Board, ScoreFormat
from common.domain.scoring import Action, Kind
from common.domain.seasons import Season


def format_of(said: ScoreFormat) -> BoardFormat:
    """Return a format with the fields of its kind alone."""
    if said.kind == "decimal":
        return {"kind": "decimal", "places": said.places}
    if said.kind == "duration":
        return {"kind": "duration", "unit": said.unit or "ms"}
    return {"kind": "integer"}


def described_board(board: Board) -> dict[str, Any]:
    """Return what people decide of a board, by field."""
    second = board.second
    return {
        "boardId": board.id,
        "title": board.title,
        "description": board.description,
        "category": board.category,
        "position": board.position,
        "rule": board.rule.value,
        "order": order_name(ascending=board.ascending),
        "second": second
        and {
            "order": order_name(ascending=second.ascending),
            "label": second.label,
            "format": format_of(second.format),
        },
        "owner": "player",
        "periods": list(board.periods),
        "format": format_of(board.format),
        "ties": board.ties.value,
        "visibility": board.visibility.value,
        "opensAt": told_instant(board.opens_at),
        "closesAt": told_instant(board.closes_at),
    }


def board_to_wire(board: Board, now: datetime) -> BoardDescription:
    """Return a board with its state and its open periods as of now."""
    told: list[CurrentPeriod] = [
        {"period": period.id, "endsAt": told_instant(period.ends_at)} for period in board.open_periods(now)
    ]
    told_whole = {
        **described_board(board),
        "state": board.state_at(now),
        "archived": board.state_at(now) == "archived",
        "revision": board.revision,
        "current": told,
    }
    return cast(BoardDescription, told_whole)


def described_season(board_id: str, season: Season) -> dict[str, Any]:
    """Return what people decide of a season, by field."""
    return {
        "board": board_id,
        "seasonId": season.id,
        "title": season.title,
        "startsAt": format_instant(season.starts_at),
        "endsAt": format_instant(season.ends_at),
    }


def season_to_wire(board_id: str, season: Season, now: datetime) -> SeasonDescription:
    """Return a season with its state as of now."""
    told = {**described_season(board_id, season), "period": season.period_id, "state": season.state_at(now)}
    return cast(SeasonDescription, told)


def described_action(action: Action, *, enabled: bool) -> ActionDescription:
    """Return the newest version of an action."""
    bounds = action.kind is Kind.VALUE and action.value_min is not None and action.value_max is not None
    return {
        "actionId": action.id,
        "kind": action.kind.value,
        "points": action.points if action.kind is Kind.POINTS else None,
        "value": {"min": action.value_min or 0, "max": action.value_max or 0} if bounds else None,
        "boards": list(action.boards),
        "claimedBy": action.claimed_by.value,
        "cooldownSeconds": action.cooldown_seconds,
        "dailyLimit": action.daily_limit,
        "lifetimeLimit": action.lifetime_limit,
        "enabled": enabled,
        "version": action.version,
    }


def order_name(*, ascending: bool) -> str:
    return "ascending" if ascending else "descending"


def told_instant(instant: datetime | None) -> str | None:
    return format_instant(instant) if instant else None
