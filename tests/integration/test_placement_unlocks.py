"""Achievements of final ranks, decided for a period whose standings stand in the table."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from common.domain import periods
from common.domain.achievements import Achievement, AchievementKind, Unlock
from common.domain.boards import Board, Rule
from common.postgres import achievements, catalogue_changes, fills, placement_unlocks, tables
from tests.inbox import add_users
from tests.integration.test_scoring_rules import add_boards
from workers import filling
from workers.state import WorkerState

DAY = "2026-11-23"
UNRANKED = "2026-11-21"
PAST = {"2026-11-19": [4], "2026-11-20": [5, 9], UNRANKED: [8, 3], "2026-11-22": [7, 1, 2]}
PODIUM = Achievement(
    "podium", "On the podium", AchievementKind.PLACEMENT, board_id="main", period="daily", within=3, min_players=2
)
DAILY_PODIUM = replace(PODIUM, id="podium-of-the-day", repeats="daily")


@pytest.fixture
def podiums(worker: WorkerState) -> Engine:
    with worker.engine.begin() as connection:
        achievements.write(connection, [PODIUM, DAILY_PODIUM], [])
    return worker.engine


def rank(
    engine: Engine, scores: Sequence[int], board_id: str = "main", *, hidden: int | None = None, day: str = DAY
) -> list[str]:
    """Put these scores into a day's standings, the earliest first; the players' ids. One of them may be hidden."""
    players = add_users(engine, len(scores))
    rows = [
        {
            "board_id": board_id, "period_id": day, "user_id": player, "score": score, "tie": tie, "version": 1,
            "updated_at": datetime(2026, 11, 23, 12, tzinfo=UTC), "hidden": tie - 1 == hidden,
        }
        for tie, (player, score) in enumerate(zip(players, scores, strict=True), start=1)
    ]  # fmt: skip
    with engine.begin() as connection:
        connection.execute(tables.standings.insert(), rows)
    return players


def decided(engine: Engine, board_id: str = "main", achievement: str = PODIUM.id) -> set[str]:
    """Who unlocked it in this turn."""
    with engine.begin() as connection:
        found = placement_unlocks.decide(connection, board_id, DAY)
    return {unlock.user_id for unlock in found if unlock.achievement_id == achievement}


def test_the_first_ranks_of_a_period_unlock_it_once_and_a_repeat_finds_nothing_new(podiums: Engine) -> None:
    players = rank(podiums, [5, 9, 1, 9, 7])
    assert decided(podiums) == {players[1], players[3], players[4]}
    assert decided(podiums) == set()


def test_one_that_repeats_is_unlocked_in_the_period_that_was_ranked(podiums: Engine) -> None:
    rank(podiums, [5, 9])
    with podiums.begin() as connection:
        found = placement_unlocks.decide(connection, "main", DAY)
    assert {(unlock.achievement_id, unlock.scope) for unlock in found} == {(PODIUM.id, ""), (DAILY_PODIUM.id, DAY)}


def test_who_is_hidden_takes_nobodys_rank_and_unlocks_nothing(podiums: Engine) -> None:
    players = rank(podiums, [5, 9, 1, 8], hidden=1)
    assert decided(podiums) == {players[3], players[0], players[2]}


def test_with_fewer_players_than_it_takes_nobody_unlocks_it(podiums: Engine) -> None:
    rank(podiums, [5, 9], hidden=0)
    assert decided(podiums) == set()


def test_of_another_board_another_period_or_while_it_is_disabled_nothing_is_unlocked(podiums: Engine) -> None:
    rank(podiums, [5, 9])
    with podiums.begin() as connection:
        assert placement_unlocks.decide(connection, "main", "2026-W48") == []
        assert placement_unlocks.decide(connection, "other", DAY) == []
        off = [achievements.Changed(each, replace(each, enabled=False)) for each in (PODIUM, DAILY_PODIUM)]
        achievements.write(connection, [], off)
    assert decided(podiums) == set()


@pytest.mark.parametrize("ties", ["ordinal", "shared"])
def test_where_equal_scores_share_a_place_all_who_share_the_last_one_unlock_it(worker: WorkerState, ties: str) -> None:
    laps = replace(PODIUM, id="laps", board_id="laps", within=2)
    with worker.engine.begin() as connection:
        add_boards(connection, [Board("laps", rule=Rule.LOWEST, ascending=True)])
        connection.execute(text("UPDATE boards SET ties = :ties WHERE id = 'laps'"), {"ties": ties})
        achievements.write(connection, [laps], [])
    players = rank(worker.engine, [62_000, 61_000, 62_000, 63_000], "laps")
    expected = {players[1], players[0]} if ties == "ordinal" else {players[1], players[0], players[2]}
    assert decided(worker.engine, "laps", "laps") == expected


def test_what_was_ranked_before_it_was_made_is_decided_period_by_period(
    worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every slice may be the last one of a process. One period has too few players, one waits for its ranks."""
    monkeypatch.setattr(filling, "TURN_SECONDS", 0.0)
    players = {day: rank(worker.engine, scores, day=day) for day, scores in PAST.items()}
    for day in PAST:
        note_period(worker.engine, day, is_ranked=day != UNRANKED)
    both = [replace(each, retroactive=True, within=1) for each in (PODIUM, DAILY_PODIUM)]
    with worker.engine.begin() as connection:
        achievements.write(connection, both, [])
    told: list[Unlock] = []
    slices = 0
    while due := due_of(worker.engine):
        slices += 1
        told += filling._slice(worker.engine, due[0], filling.SLICE).unlocked
    assert slices == 2 * (len(PAST) - 1 + 1), "each ranked period, and one that finds no more"
    first, second = players["2026-11-20"][1], players["2026-11-22"][0]
    assert {(each.user_id, each.achievement_id, each.scope) for each in told} == {
        *((first, PODIUM.id, ""), (second, PODIUM.id, "")),
        *((first, DAILY_PODIUM.id, "2026-11-20"), (second, DAILY_PODIUM.id, "2026-11-22")),
    }
    with worker.engine.begin() as connection:
        late = placement_unlocks.decide(connection, "main", UNRANKED)
    assert {each.scope for each in late} == {"", UNRANKED}, "and what is ranked later, then"


def test_who_ranks_a_period_while_an_achievement_is_made_knows_of_it_or_was_there_before(
    worker: WorkerState,
) -> None:
    rank(worker.engine, [5, 9])
    with worker.engine.connect() as making:
        catalogue_changes.hold(making)
        achievements.write(making, [replace(PODIUM, retroactive=True)], [])
        with worker.engine.connect() as ranking, ranking.begin():
            ranking.execute(text("SET LOCAL lock_timeout = '100ms'"))
            with pytest.raises(OperationalError):
                placement_unlocks.decide(ranking, "main", DAY)
        making.commit()
    assert len(decided(worker.engine)) == 2


def due_of(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return fills.due(connection)


def note_period(engine: Engine, day: str, *, is_ranked: bool) -> None:
    """Let a day be closed, and perhaps ranked."""
    period = periods.parse(day)
    with engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO periods (board_id, period_id, starts_at, ends_at, closed_at, last_event_id, ranked_at)
            VALUES ('main', :period, :begin, :end, :end, 0, CASE WHEN :ranked THEN CAST(:end AS timestamptz) END)
            """),
            {"period": day, "begin": period.starts_at, "end": period.ends_at, "ranked": is_ranked},
        )
