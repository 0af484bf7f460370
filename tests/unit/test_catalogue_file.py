"""A catalogue as a file: every problem with its place, what it would change, and its own text again."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from common.contract.constants import GREATEST_SCORE
from common.contract.errors import ErrorCode
from common.domain import catalogue_export, catalogue_file
from common.domain.achievements import Achievement, AchievementKind
from common.domain.boards import Board, Rule, ScoreFormat, SecondScore, Visibility
from common.domain.catalogue_plan import Plan, Stored
from common.domain.scoring import Action, ClaimedBy, Kind

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MAIN = Board("main")
LAPS = Board(
    "laps",
    title='Monza "best" lap 🏁',
    category="laps",
    rule=Rule.LOWEST,
    ascending=True,
    second=SecondScore(True, "Cuts"),
    periods=("all", "weekly"),
    format=ScoreFormat("duration", 0, "ms"),
    visibility=Visibility.PLAYERS,
    opens_at=NOW - HOUR,
    closes_at=NOW + HOUR,
)
SHARE = Action("share", 3, 1, ("main",), cooldown_seconds=60)
LAP = Action(
    "lap", 1, 0, ("laps", "main"), kind=Kind.VALUE, value_min=20_000, value_max=60_000, claimed_by=ClaimedBy.SERVER
)
COUNT, SCORE, PLACEMENT, GRANTED = AchievementKind
ACHIEVEMENTS = [
    Achievement("sharer", 'A "sharer"', COUNT, actions=("share",), goal=3, repeats="weekly", secret=True),
    Achievement("quick", "Quick", SCORE, board_id="laps", period="all", reach=-5, retroactive=True),
    Achievement("podium", "Podium", PLACEMENT, "", "medal", board_id="main", period="daily", within=3, min_players=9),
    Achievement("explorer", "Explorer", GRANTED, "All of it.", goal=1, enabled=False),
]
STORED = Stored(
    {"main": MAIN, "laps": LAPS},
    {"share": (SHARE, True), "lap": (LAP, False)},
    {achievement.id: achievement for achievement in ACHIEVEMENTS},
)


def plan(text: str, stored: Stored = STORED, *, most: int = 1000, disable_missing: bool = False) -> Plan:
    parsed = catalogue_file.parse_toml(f"version = 1\n{text}")
    return catalogue_file.plan(parsed, stored, NOW, most, disable_missing=disable_missing)


def problems(text: str, stored: Stored = STORED) -> Mapping[str, ErrorCode]:
    return {problem.path: problem.code for problem in plan(text, stored).problems}


def test_the_exported_catalogue_changes_nothing_where_it_is_applied() -> None:
    text = catalogue_export.to_toml(STORED)
    found = catalogue_file.plan(catalogue_file.parse_toml(text), STORED, NOW, 1000)
    assert found == Plan()


def test_the_exported_catalogue_makes_another_installation_the_same() -> None:
    stored = replace(STORED, boards={"main": MAIN, "laps": replace(LAPS, opens_at=None)})
    parsed = catalogue_file.parse_toml(catalogue_export.to_toml(stored))
    made = catalogue_file.plan(parsed, Stored({}, {}), NOW, 1000)
    assert not made.problems
    assert {board.id: board for board in made.new_boards} == stored.boards
    assert {each.id: each for each in made.new_achievements} == stored.achievements
    assert {
        action.id: (replace(action, version=stored.actions[action.id][0].version), on) for action, on in made.actions
    } == (stored.actions)


def test_actions_that_boards_bring_with_them_are_neither_exported_nor_disabled() -> None:
    adjust = Action("adjust-main", 1, 0, ("main",), kind=Kind.VALUE, claimed_by=ClaimedBy.ADMIN)
    stored = Stored({"main": MAIN}, {"adjust-main": (adjust, True)})
    assert "adjust" not in catalogue_export.to_toml(stored)
    assert plan("", stored, disable_missing=True) == Plan()


def test_what_a_file_does_not_name_is_left_alone_unless_missing_actions_are_to_be_disabled() -> None:
    assert plan("") == Plan()
    found = plan("", replace(STORED, achievements={}), disable_missing=True)
    assert found.actions == [(replace(SHARE, version=4), False)]
    assert [(change.path, change.before, change.after) for change in found.changes] == [
        ("actions.share.enabled", True, False)
    ]


def test_a_change_names_the_field_and_both_values_and_counts_revision_and_version_up() -> None:
    found = plan(
        '[[boards]]\nid = "main"\ntitle = "All"\n[[actions]]\nid = "share"\npoints = 2\ncooldown_seconds = 60\n'
    )
    assert found.changed_boards == [replace(MAIN, title="All", revision=2)]
    assert found.actions == [(replace(SHARE, points=2, version=4), True)]
    assert [tuple(change) for change in found.changes] == [
        ("boards.main.title", "", "All"), ("actions.share.points", 1, 2)
    ]  # fmt: skip


def test_of_a_known_board_what_never_changes_may_be_left_out() -> None:
    found = plan('[[boards]]\nid = "laps"\ntitle = "Laps"\n')
    assert not found.problems
    assert found.changed_boards[0].second == LAPS.second
    assert found.changed_boards[0].periods == LAPS.periods


def test_an_instant_that_has_passed_stays_also_if_it_is_left_out() -> None:
    found = plan('[[boards]]\nid = "laps"\n')
    assert found.changed_boards[0].opens_at == LAPS.opens_at
    assert found.changed_boards[0].closes_at is None


def test_an_action_keeps_what_it_is_worth_and_its_boards_if_they_are_left_out() -> None:
    found = plan('[[actions]]\nid = "lap"\ndaily_limit = 2\n')
    assert found.actions == [(replace(LAP, daily_limit=2, version=2), True)]


def test_a_new_action_of_values_without_bounds_takes_every_score() -> None:
    ((made, enabled),) = plan('[[actions]]\nid = "rating"\nvalue = {}\n').actions
    assert (made.value_min, made.value_max, made.boards, enabled) == (-GREATEST_SCORE, GREATEST_SCORE, ("main",), True)
    assert made.claimed_by is ClaimedBy.SERVER


def test_an_action_may_name_a_board_of_the_same_file_also_one_with_a_problem() -> None:
    found = problems('[[boards]]\nid = "new"\nrule = "best"\n[[actions]]\nid = "x"\npoints = 1\nboards = ["new"]\n')
    assert found == {"boards[0].rule": ErrorCode.VALIDATION_FAILED}


BOARD = '[[boards]]\nid = "new"\n'
ACTION = '[[actions]]\nid = "new"\n'
MANY = ", ".join(f'"b{number}"' for number in range(9))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (f"{BOARD}colour = 1", "boards[0].colour"),
        ('[[boards]]\nid = "New"', "boards[0].id"),
        (f'[[boards]]\nid = "{"a" * 58}"', "boards[0].id"),
        ('[[boards]]\ntitle = "x"', "boards[0].id"),
        (f"{BOARD}{BOARD}", "boards[1].id"),
        (f"{BOARD}periods = []", "boards[0].periods"),
        (f'{BOARD}periods = ["all", "all"]', "boards[0].periods"),
        (f'{BOARD}periods = ["hourly"]', "boards[0].periods[0]"),
        (f'{BOARD}rule = "lowest"\norder = "descending"', "boards[0].order"),
        (f'{BOARD}rule = "highest"\norder = "ascending"', "boards[0].order"),
        (f'{BOARD}owner = "team"', "boards[0].owner"),
        (f"{BOARD}position = 1.5", "boards[0].position"),
        (f"{BOARD}position = true", "boards[0].position"),
        (f'{BOARD}category = "Big Laps"', "boards[0].category"),
        (f'{BOARD}title = "a\\tb"', "boards[0].title"),
        (f'{BOARD}title = "{"a" * 101}"', "boards[0].title"),
        (f'{BOARD}format = {{ kind = "decimal" }}', "boards[0].format"),
        (f'{BOARD}format = {{ kind = "decimal", places = 7 }}', "boards[0].format.places"),
        (f'{BOARD}format = {{ kind = "integer", unit = "ms" }}', "boards[0].format"),
        (f'{BOARD}format = {{ kind = "duration" }}', "boards[0].format"),
        (f'{BOARD}second = {{ label = "x" }}', "boards[0].second.order"),
        (f'{BOARD}visibility = "secret"', "boards[0].visibility"),
        (f'{BOARD}ties = "dense"', "boards[0].ties"),
        (f"{BOARD}opens_at = 2026-11-23T11:00:00Z", "boards[0].opens_at"),
        (f"{BOARD}opens_at = 2026-11-23T12:00:05Z", "boards[0].opens_at"),
        (f"{BOARD}opens_at = 2026-12-01T00:00:00", "boards[0].opens_at"),
        (f'{BOARD}closes_at = "tomorrow"', "boards[0].closes_at"),
        (f"{BOARD}opens_at = 2026-12-02T00:00:00Z\ncloses_at = 2026-12-01T00:00:00Z", "boards[0].closes_at"),
        ('[[boards]]\nid = "laps"\nopens_at = 2026-12-02T00:00:00Z', "boards[0].opens_at"),
        (ACTION, "actions[0].points"),
        (f"{ACTION}points = 1\nvalue = {{ min = 1 }}", "actions[0]"),
        (f'{ACTION}points = 1\nkind = "value"', "actions[0]"),
        (f"{ACTION}value = {{ min = 2, max = 1 }}", "actions[0].value"),
        (f"{ACTION}value = {{ max = {2**53} }}", "actions[0].value.max"),
        (f"{ACTION}points = {2**53}", "actions[0].points"),
        (f"{ACTION}points = 1.0", "actions[0].points"),
        (f'{ACTION}value = {{}}\nclaimed_by = "player"', "actions[0].claimed_by"),
        (f'{ACTION}points = 1\nclaimed_by = "admin"', "actions[0].claimed_by"),
        (f"{ACTION}points = 1\nboards = []", "actions[0].boards"),
        (f"{ACTION}points = 1\nboards = [{MANY}]", "actions[0].boards"),
        (f'{ACTION}points = 1\nboards = ["main", "main"]', "actions[0].boards"),
        (f"{ACTION}points = 1\ncooldown_seconds = 0", "actions[0].cooldown_seconds"),
        (f"{ACTION}points = 1\nlifetime_limit = 1001", "actions[0].lifetime_limit"),
        ('[[actions]]\nid = "adjust-main"\npoints = 1', "actions[0].id"),
        ('[[actions]]\nid = "enrol-main"\npoints = 1', "actions[0].id"),
        ('[[actions]]\nid = "share"\nkind = "value"', "actions[0].kind"),
        ('[[teams]]\nid = "x"', "teams"),
        ('[[achievements]]\nid = "x"', "achievements[0].title"),
        ('[[achievements]]\nid = "x"\ntitle = "X"', "achievements[0].kind"),
        ('[[achievements]]\nid = "X!"\ntitle = "X"\ngranted = {}', "achievements[0].id"),
        ('[[achievements]]\nid = "x"\ntitle = "X"\ngranted = {}\nperiod = "daily"', "achievements[0]"),
        ('[[achievements]]\nid = "x"\ntitle = "X"\ngranted = { goal = 0 }', "achievements[0].granted.goal"),
        ('boards = "main"', "boards"),
    ],
)  # fmt: skip
def test_bad_input_is_named_by_its_place(text: str, path: str) -> None:
    assert problems(text) == {path: ErrorCode.VALIDATION_FAILED}


def test_every_problem_is_named_and_not_only_the_first() -> None:
    found = problems(
        '[[boards]]\nid = "one"\nrule = "lowest"\norder = "descending"\nperiods = []\n'
        '[[boards]]\nid = "laps"\nrule = "highest"\nperiods = ["all"]\n'
        '[[actions]]\nid = "x"\npoints = 1\nboards = ["main", "nowhere"]\n'
    )
    assert found == {
        "boards[0].periods": ErrorCode.VALIDATION_FAILED,
        "boards[1].rule": ErrorCode.BOARD_IMMUTABLE,
        "boards[1].periods": ErrorCode.BOARD_IMMUTABLE,
        "actions[0].boards[1]": ErrorCode.UNKNOWN_BOARD,
    }
    assert catalogue_file.refusal(plan('[[boards]]\nid = "laps"\nsecond = { order = "descending" }').problems).code is (
        ErrorCode.BOARD_IMMUTABLE
    )


@pytest.mark.parametrize("line", ['rule = "count"', 'order = "ascending"', 'periods = ["all"]'])
def test_main_stays_what_it_is(line: str) -> None:
    assert set(problems(f'[[boards]]\nid = "main"\n{line}').values()) == {ErrorCode.BOARD_IMMUTABLE}


def test_there_are_no_more_boards_than_there_may_be() -> None:
    assert [problem.code for problem in plan(BOARD, most=2).problems] == [ErrorCode.TOO_MANY]
    assert not plan(BOARD, most=3).problems


@pytest.mark.parametrize("text", ["", "version = 2", 'version = "1"', "version = true"])
def test_the_version_of_the_file_is_needed(text: str) -> None:
    assert [problem.path for problem in catalogue_file.parse_toml(text).problems] == ["version"]


def test_what_is_not_toml_is_told_with_its_line() -> None:
    (problem,) = catalogue_file.parse_toml("version = 1\nboards = [").problems
    assert "line 2" in problem.message


SHARER = """
[[achievements]]
id = "sharer"
title = "Sharer"
repeat = "period"
period = "weekly"
count = { actions = ["share"], goal = 3 }
"""


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("goal = 3", "goal = 4", "achievements[0].count.goal"),
        ('"weekly"', '"daily"', "achievements[0].repeat"),
        ('count = { actions = ["share"], goal = 3 }', "granted = {}", "achievements[0].kind"),
    ],
)
def test_what_decides_an_achievement_never_changes(before: str, after: str, path: str) -> None:
    assert problems(SHARER.replace(before, after)) == {path: ErrorCode.ACHIEVEMENT_IMMUTABLE}


def test_an_achievement_may_be_of_a_board_and_an_action_of_the_same_file() -> None:
    text = """
    [[boards]]
    id = "new"
    periods = ["all", "weekly"]
    [[actions]]
    id = "fresh"
    points = 1
    boards = ["new"]
    [[achievements]]
    id = "first-of-all"
    title = "First"
    placement = { board = "new", period = "weekly", within = 1 }
    [[achievements]]
    id = "freshest"
    title = "Freshest"
    count = { actions = ["fresh"], goal = 1 }
    """
    planned = plan(text)
    assert not planned.problems
    assert [each.id for each in planned.new_achievements] == ["first-of-all", "freshest"]
    missing = problems(text.replace('id = "new"', 'id = "NEW"').replace('"fresh"]', '"gone"]'))
    assert missing["achievements[1].count.actions[0]"] is ErrorCode.UNKNOWN_ACTION
    assert missing["achievements[0].placement.board"] is ErrorCode.UNKNOWN_BOARD


def test_achievements_that_a_file_does_not_name_are_disabled_only_on_request() -> None:
    assert plan("").changes == []
    changed = plan("", disable_missing=True).changed_achievements
    assert {after.id: after.enabled for _, after in changed} == {"podium": False, "quick": False, "sharer": False}
