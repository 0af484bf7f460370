"""Seasons: which updates belong to one, what may change of it, and its lines in a catalogue's file."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from common.contract.catalogue import SeasonSpec
from common.contract.errors import ErrorCode, ScoreboardError
from common.contract.requests import LiveQuery
from common.domain import catalogue_export, catalogue_file, season_plan
from common.domain.boards import NOTICE, Board
from common.domain.catalogue_plan import Place, Plan, Stored
from common.domain.digests import FIRST, Line, TableDigest
from common.domain.parts import Event
from common.domain.scoring import fold
from common.domain.seasons import Season
from web import board_pages

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
PAST = Season("past", NOW - 9 * HOUR, NOW - 5 * HOUR)
OPEN = Season("open", NOW - HOUR, NOW + HOUR, "Now")
NEXT = Season("next", NOW + HOUR, NOW + 2 * HOUR)
BOARD = Board("ladder", periods=("all", "daily", "season"), seasons=(PAST, OPEN, NEXT))


@pytest.mark.parametrize(
    ("instant", "period"),
    [
        (NOW - HOUR - SECOND, None),
        (NOW - HOUR, "s-open"),
        (NOW + HOUR - SECOND, "s-open"),
        (NOW + HOUR, "s-next"),
        (NOW + 2 * HOUR, None),
    ],
)
def test_an_update_belongs_to_the_season_of_its_acceptance(instant: datetime, period: str | None) -> None:
    event = Event(1, "ada", 5, ("ladder",), instant, 0, instant, None)
    counted = {key.period_id for key in fold([event], {"ladder": BOARD})}
    assert counted == {"all", instant.date().isoformat(), *([period] if period else [])}
    assert set(BOARD.period_ids_at(instant)) == counted
    assert {period.id for period in BOARD.open_periods(instant)} == counted


def test_who_comes_to_watch_between_two_seasons_is_shown_the_one_that_is_over() -> None:
    query = LiveQuery.model_validate({"board": "ladder", "period": "season"})
    assert board_pages.watched_period(query, BOARD, NOW) == OPEN.period
    assert board_pages.watched_period(query, BOARD, NOW - 2 * HOUR) == PAST.period
    assert board_pages.watched_period(query, BOARD, NOW + 3 * HOUR) == NEXT.period
    assert board_pages.watched_period(query.model_copy(update={"period": "s-next"}), BOARD, NOW) == NEXT.period
    with pytest.raises(ScoreboardError) as refused:
        board_pages.watched_period(query, BOARD, PAST.starts_at - SECOND)
    assert refused.value.code == ErrorCode.NO_SEASON


@pytest.mark.parametrize(
    ("at", "closes_at", "end"),
    [
        (NOW, None, OPEN.ends_at),
        (NOW, NOW + SECOND, NOW + SECOND),
        (NOW, NOW + 9 * HOUR, OPEN.ends_at),
        (NOW, NOW - SECOND, OPEN.ends_at),
        (NOW + 3 * HOUR, None, None),
        (NOW + 3 * HOUR, NOW + 4 * HOUR, NOW + 4 * HOUR),
        (NOW + 3 * HOUR, NOW + 3 * HOUR, None),
    ],
)
def test_what_ends_next_is_the_season_or_the_board(at: datetime, closes_at: datetime | None, end: datetime) -> None:
    assert replace(BOARD, closes_at=closes_at).next_end(at) == end


def test_a_season_is_longer_than_a_month_and_shorter_than_all_time() -> None:
    assert BOARD.longest_period_at(NOW) == "all"
    short = replace(BOARD, periods=("daily", "monthly", "season"))
    assert short.longest_period_at(NOW) == "s-open"
    assert short.longest_period_at(NOW - 2 * HOUR) == "2026-11"


def test_a_season_is_found_by_its_id_and_the_open_one_by_its_name() -> None:
    assert BOARD.find_period("season", NOW) == OPEN.period
    assert BOARD.find_period("s-past", NOW) == PAST.period
    for lacking in ("s-other", "weekly", "2026-W48"):
        assert BOARD.find_period(lacking, NOW) is None
    assert BOARD.find_period("season", NOW - 2 * HOUR) is None
    with pytest.raises(ValueError, match="no period"):
        BOARD.find_period("yearly", NOW)


def test_a_board_has_a_period_of_the_calendar() -> None:
    with pytest.raises(ValueError, match="periods are some of"):
        Board("x", periods=("season",))


def planned(known: Season | None, wanted: Season, others: tuple[Season, ...] = ()) -> Plan:
    plan = Plan()
    spec = SeasonSpec.model_validate({"title": wanted.title, "startsAt": wanted.starts_at, "endsAt": wanted.ends_at})
    season_plan.add_season(plan, Place("", "id", str), "ladder", wanted.id, spec, known=known, now=NOW)
    season_plan.check_overlaps(plan, "ladder", others, "starts_at")
    return plan


SOON = NOW + NOTICE


@pytest.mark.parametrize(
    ("known", "wanted", "path", "code"),
    [
        (None, Season("a", SOON - SECOND, NOW + HOUR), "starts_at", ErrorCode.VALIDATION_FAILED),
        (None, Season("Bad", SOON, NOW + HOUR), "id", ErrorCode.VALIDATION_FAILED),
        (OPEN, replace(OPEN, starts_at=NOW - 2 * HOUR), "starts_at", ErrorCode.VALIDATION_FAILED),
        (OPEN, replace(OPEN, ends_at=SOON - SECOND), "ends_at", ErrorCode.VALIDATION_FAILED),
        (PAST, replace(PAST, ends_at=NOW + HOUR), "ends_at", ErrorCode.SEASON_OVER),
        (
            Season("a", SOON - SECOND, NOW + HOUR),
            Season("a", NOW + HOUR, NOW + 2 * HOUR),
            "starts_at",
            ErrorCode.VALIDATION_FAILED,
        ),
    ],
)
def test_what_not_every_process_can_know_in_time_is_refused(
    known: Season | None, wanted: Season, path: str, code: ErrorCode
) -> None:
    (problem,) = [each for each in planned(known, wanted).problems if each.path == path]
    assert problem.code == code


def test_what_may_change_changes_and_the_same_again_changes_nothing() -> None:
    assert planned(None, NEXT).new_seasons == [("ladder", NEXT)]
    for known, wanted in (
        (OPEN, replace(OPEN, ends_at=SOON, title="Other")),
        (PAST, replace(PAST, title="Other")),
        (NEXT, replace(NEXT, starts_at=SOON)),
    ):
        plan = planned(known, wanted)
        assert (plan.problems, plan.changed_seasons) == ([], [("ladder", wanted)])
        assert planned(known, known) == Plan()


def test_two_seasons_of_a_board_may_touch_and_not_overlap() -> None:
    assert not planned(None, NEXT, (OPEN,)).problems
    late = replace(OPEN, ends_at=NOW + HOUR + SECOND)
    (problem,) = planned(OPEN, late, (OPEN, NEXT)).problems
    assert (problem.code, problem.message) == (ErrorCode.SEASON_OVERLAPS, "next begins before open ends")


def test_a_season_is_ended_as_soon_as_every_process_can_know_and_that_may_be_repeated() -> None:
    ended = season_plan.ended(OPEN, None, NOW)
    assert ended == replace(OPEN, ends_at=SOON)
    assert season_plan.ended(ended, None, NOW + 2 * SECOND) == ended
    assert season_plan.ended(PAST, PAST.ends_at, NOW) == PAST
    for season, at, code in (
        (PAST, NOW + HOUR, ErrorCode.SEASON_OVER),
        (OPEN, NOW + SECOND, ErrorCode.VALIDATION_FAILED),
        (NEXT, None, ErrorCode.VALIDATION_FAILED),
    ):
        with pytest.raises(ScoreboardError) as refused:
            season_plan.ended(season, at, NOW)
        assert refused.value.code == code


def test_a_season_is_deleted_until_processes_may_know_no_more_that_it_never_begins() -> None:
    plan = Plan()
    season_plan.delete_season(plan, "ladder", NEXT, NOW)
    assert plan.deleted_seasons == [("ladder", NEXT)]
    assert [(change.path, change.after) for change in plan.changes] == [(f"seasons.ladder.{NEXT.id}", None)]
    again = Plan()
    season_plan.delete_season(again, "ladder", None, NOW)
    assert again == Plan(), "a repetition"
    for season, now in ((OPEN, NOW), (PAST, NOW), (NEXT, NEXT.starts_at - NOTICE + SECOND / 1000)):
        with pytest.raises(ScoreboardError) as refused:
            season_plan.delete_season(Plan(), "ladder", season, now)
        assert refused.value.code == ErrorCode.SEASON_BEGUN


STORED = Stored({"main": Board("main"), "ladder": BOARD}, {})
IN_FILE = """
version = 1
[[seasons]]
board = "main"
id = "winter"
starts_at = 2026-12-01T00:00:00Z
ends_at = 2027-03-01T00:00:00Z
"""


def test_a_file_gives_a_board_its_seasons_and_the_period_with_the_first() -> None:
    found = catalogue_file.plan(catalogue_file.parse_toml(IN_FILE), STORED, NOW, 9)
    assert not found.problems
    (board,) = found.changed_boards
    assert (board.id, board.periods[-1]) == ("main", "season")
    assert [season.id for _, season in found.new_seasons] == ["winter"]
    assert catalogue_file.seasons_missing(catalogue_file.parse_toml(IN_FILE), STORED) == [
        *("ladder.next", "ladder.open", "ladder.past")
    ]


def test_the_exported_seasons_change_nothing_where_they_are_applied() -> None:
    text = catalogue_export.to_toml(STORED)
    assert text.count("[[seasons]]") == 3
    assert catalogue_file.plan(catalogue_file.parse_toml(text), STORED, NOW, 9) == Plan()


def test_a_file_that_does_not_name_the_period_leaves_a_board_its_seasons() -> None:
    text = 'version = 1\n[[boards]]\nid = "ladder"\nperiods = ["all", "daily"]\n'
    assert catalogue_file.plan(catalogue_file.parse_toml(text), STORED, NOW, 9) == Plan()


@pytest.mark.parametrize(
    ("more", "path", "code"),
    [
        ('board = "nowhere"\nid = "b"', "seasons[1].board", ErrorCode.UNKNOWN_BOARD),
        ('board = "main"\nid = "b"', "seasons", ErrorCode.SEASON_OVERLAPS),
        ('board = "main"\nid = "winter"', "seasons[1].id", ErrorCode.VALIDATION_FAILED),
        ('board = "main"\nid = "b"\ncolour = 1', "seasons[1].colour", ErrorCode.VALIDATION_FAILED),
    ],
)
def test_each_problem_of_a_season_in_a_file_has_its_place(more: str, path: str, code: ErrorCode) -> None:
    text = f"{IN_FILE}[[seasons]]\n{more}\nstarts_at = 2026-12-05T00:00:00Z\nends_at = 2026-12-06T00:00:00Z\n"
    found = catalogue_file.plan(catalogue_file.parse_toml(text), STORED, NOW, 9)
    assert (path, code) in {(problem.path, problem.code) for problem in found.problems}


def test_the_digest_of_a_table_is_of_these_very_bytes() -> None:
    digest = TableDigest(FIRST)
    digest.add([Line("3f2b8c1e-5d4a-4c3b-9a2e-7f6d5c4b3a21", 30, 0, 7)])
    digest.add([Line("8f15d882-8a9f-4189-b783-e9fd3f6124ef", -2, 5, 8)])
    said = f"{'0' * 64}\n1,3f2b8c1e-5d4a-4c3b-9a2e-7f6d5c4b3a21,30,0,7\n2,8f15d882-8a9f-4189-b783-e9fd3f6124ef,-2,5,8\n"
    assert (digest.total, digest.hexdigest()) == (2, hashlib.sha256(said.encode()).hexdigest())
