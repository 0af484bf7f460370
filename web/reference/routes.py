"""The documented routes of an application, each with what its guards and its address say."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from flask import Flask
from werkzeug.routing import Rule

from common.contract.achievements import AchievementId
from common.contract.board_responses import SnapshotId
from common.contract.fields import ActionId, BoardId, EventId, GivenUserId, IdempotencyKey, SeasonId
from web.guards import access, limits
from web.reference.documented import Documentation, documentation_of

LIVE = "live"
"""The group of the routes without a blueprint, which flask-sock registers."""

_ARGUMENT = re.compile(r"<(\w+)>")
_NAME_AND_TYPE = {
    "user_id": ("userId", GivenUserId),
    "event_id": ("eventId", EventId),
    "idempotency_key": ("idempotencyKey", IdempotencyKey),
    "snapshot_id": ("snapshotId", SnapshotId),
    "board_id": ("boardId", BoardId),
    "action_id": ("actionId", ActionId),
    "season_id": ("seasonId", SeasonId),
    "achievement_id": ("achievementId", AchievementId),
}


@dataclass(frozen=True)
class Route:
    """A method of an address. `path` is as the documents write it; `arguments` are the types in it, by name."""

    path: str
    method: str
    group: str
    access: str
    limits: tuple[str, ...]
    arguments: Mapping[str, object]
    documentation: Documentation

    @property
    def is_api(self) -> bool:
        return self.path.startswith("/api/")


def documented_routes(app: Flask) -> Iterator[Route]:
    """Yield the documented routes in the order in which they are declared."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        said = documentation_of(view)
        if said:
            yield _route(rule, view, said)


def _route(rule: Rule, view: Callable[..., object], said: Documentation) -> Route:
    (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
    arguments = dict(_NAME_AND_TYPE[name] for name in _ARGUMENT.findall(rule.rule))
    return Route(
        path=_ARGUMENT.sub(lambda match: f"{{{_NAME_AND_TYPE[match[1]][0]}}}", rule.rule),
        method=method.lower(),
        group=rule.endpoint.rpartition(".")[0] or LIVE,
        access=access.decision(view) or "",
        limits=limits.names_of(view),
        arguments=MappingProxyType(arguments),
        documentation=said,
    )
