"""What a catalogue that somebody wants would change of the stored one, and every reason for which it cannot. Pure."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from common.contract.catalogue import (
    ActionSpec,
    BoardSpec,
    SecondSpec,
    fields_of,
    problem_of_action_id,
    problem_of_board_id,
)
from common.contract.catalogue_responses import ChangeDescription
from common.contract.constants import DEFAULT_BOARD, PERIOD_NAMES, SEASON
from common.contract.errors import ErrorCode
from common.domain.achievements import Achievement
from common.domain.boards import NOTICE, Board, Rule, ScoreFormat, SecondScore, Ties, Visibility
from common.domain.catalogue_wire import described_action, described_board, order_name, told_instant
from common.domain.scoring import Action, ClaimedBy, Kind
from common.domain.seasons import Season


class Problem(NamedTuple):
    """Why something cannot be: where it stands, what is wrong, and the code of the error."""

    path: str
    message: str
    code: ErrorCode = ErrorCode.VALIDATION_FAILED


class Change(NamedTuple):
    """One difference, as JSON. `before` is None for what is new."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Stored:
    """What is stored: boards, achievements, and the newest version of every action, with whether it is enabled."""

    boards: Mapping[str, Board]
    actions: Mapping[str, tuple[Action, bool]]
    achievements: Mapping[str, Achievement] = field(default_factory=dict)

    @property
    def ordinary_actions(self) -> set[str]:
        """The ids of the actions, but for those that boards bring with them."""
        return {action.id for action, _ in self.actions.values() if action.claimed_by is not ClaimedBy.ADMIN}


@dataclass
class Plan:
    """What is to be written, and how it differs; if there are problems, nothing may be written.

    Seasons stand with the ids of their boards. Of an achievement that changes it has what it is and what it shall be.
    """

    new_boards: list[Board] = field(default_factory=list)
    changed_boards: list[Board] = field(default_factory=list)
    actions: list[tuple[Action, bool]] = field(default_factory=list)
    new_seasons: list[tuple[str, Season]] = field(default_factory=list)
    changed_seasons: list[tuple[str, Season]] = field(default_factory=list)
    deleted_seasons: list[tuple[str, Season]] = field(default_factory=list)
    new_achievements: list[Achievement] = field(default_factory=list)
    changed_achievements: list[tuple[Achievement, Achievement]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def described_changes(self) -> list[ChangeDescription]:
        """Return the differences as an answer and the audit log tell them."""
        return [{"path": change.path, "from": change.before, "to": change.after} for change in self.changes]


@dataclass(frozen=True)
class Place:
    """Where a board or an action stands in what somebody sent; `named` turns a field's name into the sender's form."""

    prefix: str
    id_field: str
    named: Callable[[str], str]

    def of(self, field_name: str) -> str:
        return self.prefix + self.named(field_name)


def add_board(
    plan: Plan,
    at: Place,
    board_id: str,
    spec: BoardSpec,
    *,
    known: Board | None,
    now: datetime,
    gets_season: bool = False,
) -> None:
    """Add what makes the stored board the one that is wanted. One that `gets_season` has the period `season` then."""
    problems: list[Problem] = []
    if known is None and (wrong := problem_of_board_id(board_id)):
        problems.append(Problem(at.prefix + at.id_field, wrong))
    rule, ascending = _rule_and_order(at, spec, known, problems)
    second = _second(at, spec, known, problems)
    periods = _periods(at, spec, known, problems, gets_season=gets_season)
    opens_at = _moment(at.of("opens_at"), spec.opens_at, known.opens_at if known else None, now, problems)
    closes_at = _moment(at.of("closes_at"), spec.closes_at, known.closes_at if known else None, now, problems)
    if opens_at and closes_at and closes_at <= opens_at:
        problems.append(Problem(at.of("closes_at"), f"must be after {at.named('opens_at')}"))
    if problems:
        plan.problems += problems
        return
    wanted = Board(
        id=board_id,
        title=spec.title,
        description=spec.description,
        category=spec.category,
        position=spec.position,
        rule=rule,
        ascending=ascending,
        second=second,
        periods=periods,
        format=_format(spec),
        ties=Ties(spec.ties),
        visibility=Visibility(spec.visibility),
        opens_at=opens_at,
        closes_at=closes_at,
        archived_at=known.archived_at if known else None,
        revision=known.revision if known else 1,
    )
    put_board(plan, wanted, known)


def put_board(plan: Plan, wanted: Board, known: Board | None) -> None:
    """Add a board as it shall be, of which nothing is left to check. One that is stored already changes nothing."""
    if known is None:
        plan.new_boards.append(wanted)
        plan.changes.append(Change(f"boards.{wanted.id}", None, described_board(wanted)))
    elif wanted != known:
        plan.changed_boards.append(replace(wanted, revision=known.revision + 1))
        note_differences(plan, f"boards.{wanted.id}", _with_archiving(known), _with_archiving(wanted))


def add_action(
    plan: Plan,
    at: Place,
    action_id: str,
    spec: ActionSpec,
    *,
    known: tuple[Action, bool] | None,
    board_ids: Collection[str],
) -> None:
    """Add what makes the stored action the one that is wanted. `board_ids` has all boards that there will be."""
    problems: list[Problem] = []
    if wrong := problem_of_action_id(action_id):
        problems.append(Problem(at.prefix + at.id_field, wrong))
    before = known[0] if known else Action(action_id, 0, 0, (DEFAULT_BOARD,))
    if known is None and spec.points is None and spec.value is None:
        problems.append(Problem(at.of("points"), "a new action needs points or a value"))
    kind = _kind(at, spec, before, problems)
    named = tuple(spec.boards) if spec.boards is not None else before.boards
    for index, board_id in enumerate(named):
        if board_id not in board_ids:
            where = f"{at.of('boards')}[{index}]"
            problems.append(Problem(where, f"there is no board {board_id!r}", ErrorCode.UNKNOWN_BOARD))
    if kind is Kind.VALUE and spec.claimed_by not in (None, "server"):
        problems.append(Problem(at.of("claimed_by"), "must be server: a value comes from no player"))
    if problems:
        plan.problems += problems
        return
    wanted = Action(
        id=action_id,
        version=before.version,
        points=spec.points if spec.points is not None else before.points if kind is before.kind else 0,
        boards=named,
        cooldown_seconds=spec.cooldown_seconds,
        daily_limit=spec.daily_limit,
        lifetime_limit=spec.lifetime_limit,
        kind=kind,
        value_min=_bound(kind, spec.value.min if spec.value else None, before.value_min),
        value_max=_bound(kind, spec.value.max if spec.value else None, before.value_max),
        claimed_by=ClaimedBy(spec.claimed_by or ("server" if kind is Kind.VALUE else "both")),
    )
    put_action(plan, wanted, known, enabled=spec.enabled)


def put_action(plan: Plan, wanted: Action, known: tuple[Action, bool] | None, *, enabled: bool) -> None:
    """Add an action as it shall be, of which nothing is left to check, as its next version."""
    after = described_action(wanted, enabled=enabled)
    if known is None:
        plan.actions.append((replace(wanted, version=1), enabled))
        plan.changes.append(Change(f"actions.{wanted.id}", None, after))
    elif (replace(wanted, version=known[0].version), enabled) != known:
        plan.actions.append((replace(wanted, version=known[0].version + 1), enabled))
        note_differences(plan, f"actions.{wanted.id}", described_action(known[0], enabled=known[1]), after)


def check_room(plan: Plan, stored: Stored, most_boards: int, path: str) -> None:
    """Add a problem if there would be more boards than the installation may have."""
    if plan.new_boards and len(stored.boards) + len(plan.new_boards) > most_boards:
        plan.problems.append(Problem(path, f"there may be {most_boards} boards", ErrorCode.TOO_MANY))


def _with_archiving(board: Board) -> dict[str, Any]:
    return {**described_board(board), "archivedAt": told_instant(board.archived_at)}


def note_differences(plan: Plan, path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Add to the plan each field that differs."""
    for name, value in after.items():
        if before.get(name) != value and name != "version":
            plan.changes.append(Change(f"{path}.{name}", before.get(name), value))


def _immutable(path: str, what: object) -> Problem:
    return Problem(path, f"never changes; it is {what}", ErrorCode.BOARD_IMMUTABLE)


def _rule_and_order(at: Place, spec: BoardSpec, known: Board | None, problems: list[Problem]) -> tuple[Rule, bool]:
    rule = Rule(spec.rule) if spec.rule else known.rule if known else Rule.SUM
    forced = {Rule.HIGHEST: False, Rule.LOWEST: True}.get(rule)
    asked = None if spec.order is None else spec.order == "ascending"
    if forced is not None and asked not in (None, forced):
        problems.append(Problem(at.of("order"), f"the rule {rule} goes with {order_name(ascending=forced)}"))
    ascending = forced if forced is not None else asked
    if ascending is None:
        ascending = known.ascending if known else False
    if known and rule is not known.rule:
        problems.append(_immutable(at.of("rule"), known.rule))
    if known and asked not in (None, known.ascending):
        problems.append(_immutable(at.of("order"), order_name(ascending=known.ascending)))
    return rule, ascending


def _second(at: Place, spec: BoardSpec, known: Board | None, problems: list[Problem]) -> SecondScore | None:
    if known and "second" not in fields_of(spec):
        return known.second
    given = spec.second
    second = SecondScore(given.order == "ascending", given.label, _format(given)) if given else None
    if known and (second and second.ascending) != (known.second and known.second.ascending):
        what = order_name(ascending=known.second.ascending) if known.second else "none"
        problems.append(_immutable(at.of("second"), what))
    return second


def _periods(
    at: Place, spec: BoardSpec, known: Board | None, problems: list[Problem], *, gets_season: bool
) -> tuple[str, ...]:
    """Return the periods that hold. Those of the calendar never change; seasons are added and stay."""
    given = tuple(name for name in PERIOD_NAMES if name in spec.periods) if spec.periods is not None else None
    if known and given not in (None, known.calendar):
        problems.append(_immutable(at.of("periods"), ", ".join(known.periods)))
    has_seasons = gets_season or SEASON in (spec.periods or ()) or bool(known and SEASON in known.periods)
    return (given or (known.calendar if known else PERIOD_NAMES)) + ((SEASON,) if has_seasons else ())


def _moment(
    path: str, given: datetime | None, stored: datetime | None, now: datetime, problems: list[Problem]
) -> datetime | None:
    """Return the instant that holds. One that has passed stays, and one that is to come needs notice."""
    if told_instant(given) == told_instant(stored):  # what an earlier version stored may be finer
        return stored
    if stored is not None and stored <= now:
        if given is not None:
            problems.append(Problem(path, "has passed, and does not change any more"))
        return stored
    if given is not None and given < now + NOTICE:
        problems.append(Problem(path, f"must be at least {NOTICE.seconds} seconds from now"))
    return given


def _format(spec: BoardSpec | SecondSpec) -> ScoreFormat:
    return ScoreFormat(spec.format.kind, spec.format.places or 0, spec.format.unit)


def _kind(at: Place, spec: ActionSpec, before: Action, problems: list[Problem]) -> Kind:
    if spec.value is not None:
        return Kind.VALUE
    if spec.points is not None:
        return Kind.POINTS
    if spec.kind not in (None, before.kind.value):
        problems.append(Problem(at.of("kind"), f"an action that becomes one of {spec.kind} needs what it is worth"))
    return before.kind


def _bound(kind: Kind, given: int | None, before: int | None) -> int | None:
    if kind is Kind.POINTS:
        return None
    return before if given is None else given
