"""Final ranks and digests: whole or not there, the same as the list, and checkable by anybody."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from common.core.settings import Settings
from common.domain.corrections import Told
from common.domain.details import Details
from common.domain.standing import Hidden
from common.postgres import engine as database
from common.postgres import erasure, ledger, migrate, placement_unlocks, standings
from common.postgres import ranking as stored
from common.postgres.audit import Actor
from common.services.corrections import Corrector
from dev.harness.servers import Servers
from scoreboard import verified_periods
from tests.conftest import SettingsFactory
from tests.inbox import accept_at, add_users, drain_completely
from tests.seasons import END, add_season
from workers import closing, ranking
from workers.state import WorkerState

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST_DAY, SECOND_DAY, WEEK = ("main", "2026-11-23"), ("main", "2026-11-24"), ("main", "2026-W48")
LATER = NOON + 30 * DAY
POINTS = {"share": 1, "daily-login": 5, "win-match": 25}

PODIUM = """
INSERT INTO achievements (id, title, kind, board_id, period, within, min_players, since_event)
VALUES ('podium', 'Podium', 'placement', 'main', 'daily', 2, 2, 0)
"""

SCRIPT = """
import hashlib, sys
previous, *rows = sys.stdin.read().splitlines()
table = sorted((row.split(",") for row in rows), key=lambda row: (-int(row[1]), int(row[2]), int(row[3])))
lines = [previous] + [",".join([str(rank), *row]) for rank, row in enumerate(table, 1)]
print(hashlib.sha256("".join(line + "\\n" for line in lines).encode()).hexdigest())
"""
"""What anybody can write who has read how a digest is made, for a board on which the most points lead."""


def play(worker: WorkerState, *days: datetime, players: int = 6) -> list[str]:
    """So many players, who score on each of these days, and whose days, weeks and months are closed."""
    ids = add_users(worker.engine, players)
    for day in days:
        for index, player in enumerate(ids):
            accept_at(worker, player, day + timedelta(seconds=index), list(POINTS)[index % 3])
    drain_completely(worker)
    closing.close_ended(worker, LATER)
    return ids


def periods_of(engine: Engine) -> dict[str, Any]:
    with engine.connect() as connection:
        return {row.period_id: row for row in connection.execute(text("SELECT * FROM periods"))}


def digest_of(engine: Engine, period_id: str, previous: str = "0" * 64) -> str:
    """The digest of those who are shown now, by the script."""
    shown = text("""
        SELECT user_id, score, second, tie FROM standings
        WHERE board_id = 'main' AND period_id = :period AND NOT hidden ORDER BY random()
    """)
    with engine.connect() as connection:
        rows = [",".join(map(str, row)) for row in connection.execute(shown, {"period": period_id})]
    said = "\n".join([previous, *rows])
    done = subprocess.run([sys.executable, "-I", "-c", SCRIPT], input=said, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def hide(engine: Engine, player: str, *, is_hidden: bool) -> None:
    with engine.begin() as connection:
        ledger.lock_exclusive(connection)
        standings.hide(connection, player, Hidden.SUSPENDED, is_hidden=is_hidden)


def ranks_in_list(engine: Engine, board: tuple[str, str]) -> dict[str, int]:
    with engine.connect() as connection:
        return {entry.user_id: entry.rank for entry in standings.top(connection, *board, 100).entries}


def ranks_told(engine: Engine, board: tuple[str, str], players: Sequence[str]) -> dict[str, int]:
    with engine.connect() as connection:
        places = [standings.place(connection, *board, player, Details("-")) for player in players]
    return {place.user_id: place.entry.rank for place in places if place.entry}


def test_a_closed_period_is_ranked_with_a_digest_anybody_can_compute(web: FlaskClient, worker: WorkerState) -> None:
    players = play(worker, NOON, NOON + DAY)
    hide(worker.engine, players[2], is_hidden=True)
    ranking.rank_closed(worker)
    found = periods_of(worker.engine)
    assert {period.total for period in found.values()} == {5}
    first = digest_of(worker.engine, FIRST_DAY[1])
    second = digest_of(worker.engine, SECOND_DAY[1], first)
    told = web.get("/api/periods").get_json()["periods"]
    assert {period["period"]: (period["state"], period["digest"]) for period in told} == {
        "2026-11-23": ("ranked", first),
        "2026-11-24": ("ranked", second),
        "2026-W48": ("ranked", digest_of(worker.engine, "2026-W48")),
        "2026-11": ("ranked", digest_of(worker.engine, "2026-11")),
    }
    (newest, oldest) = web.get("/api/periods?kind=daily").get_json()["periods"]
    assert newest == {
        "period": "2026-11-24",
        "startsAt": "2026-11-24T00:00:00.000Z",
        "endsAt": "2026-11-25T00:00:00.000Z",
        "state": "ranked",
        "total": 5,
        "revision": 1,
        "digest": second,
        "previousDigest": first,
    }
    assert oldest["previousDigest"] == "0" * 64
    page = web.get("/api/periods?limit=3").get_json()
    rest = web.get(f"/api/periods?limit=3&cursor={page['nextCursor']}").get_json()
    assert [*page["periods"], *rest["periods"]] == told
    assert rest["nextCursor"] is None
    before = worker.engine
    ranking.rank_closed(worker)
    assert periods_of(before) == found, "it is done once"


def test_a_season_is_ranked_and_has_its_own_chain_of_digests(web: FlaskClient, worker: WorkerState) -> None:
    add_season(worker)
    players = add_users(worker.engine, 2)
    for player in players:
        accept_at(worker, player, END - timedelta(seconds=1))
    drain_completely(worker)
    assert web.get("/api/periods?kind=season").get_json()["periods"][0]["state"] == "open"
    closing.close_ended(worker, END)
    ranking.rank_closed(worker)
    (season,) = web.get("/api/periods?kind=season").get_json()["periods"]
    assert (season["state"], season["total"]) == ("ranked", 2)
    assert season["digest"] == digest_of(worker.engine, "s-spring")


def test_ranks_told_are_those_of_the_list_whoever_is_hidden_or_shown_later(worker: WorkerState) -> None:
    players = play(worker, NOON)
    hide(worker.engine, players[1], is_hidden=True)
    ranking.rank_closed(worker)
    for changed, is_hidden in ((players[1], True), (players[4], True), (players[1], False), (players[0], True)):
        hide(worker.engine, changed, is_hidden=is_hidden)
        listed = ranks_in_list(worker.engine, WEEK)
        assert ranks_told(worker.engine, WEEK, players) == listed
        assert sorted(listed.values()) == list(range(1, len(listed) + 1))
    assert verified_periods.check(worker.engine).misfits == [], "the digest is of who was shown when it was ranked"


def test_what_final_places_decide_is_decided_with_them_or_not_at_all(
    worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marks of the day and the achievements are in the transaction that says that a period is ranked."""
    players = play(worker, NOON)
    with worker.engine.begin() as connection:
        connection.execute(text(PODIUM))
    asked: list[object] = []

    def fail(*given: object) -> None:
        asked.append(given)
        raise RuntimeError("killed before COMMIT")

    with monkeypatch.context() as failing:
        failing.setattr(placement_unlocks, "decide", fail)
        with pytest.raises(ExceptionGroup):
            ranking.rank_closed(worker)
    assert asked
    assert {row.ranked_at for row in periods_of(worker.engine).values()} == {None}
    with worker.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM daily_stats")).scalar_one() == 0
    for _ in range(2):
        ranking.rank_closed(worker)
    with worker.engine.connect() as connection:
        unlocked = {str(row.user_id) for row in connection.execute(text("SELECT user_id FROM unlocks"))}
        marks = connection.execute(text("SELECT count(*) FROM day_marks WHERE day = '2026-11-23'")).scalar_one()
        counted = connection.execute(text("SELECT active_players, updates FROM daily_stats")).one()
    ranks = ranks_in_list(worker.engine, FIRST_DAY)
    assert unlocked == {player for player in players if ranks[player] <= 2}
    assert marks == counted.active_players == counted.updates == len(players)


@pytest.mark.parametrize("dies_in", ["number", "finish"])
def test_a_death_anywhere_is_found_by_the_next_turn(
    worker: WorkerState, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    monkeypatch.setattr(stored, "SLICE", 2)
    players = play(worker, NOON)
    real: Callable[..., Any] = getattr(stored, dies_in)
    calls = iter(range(100))

    def dying(*given: Any) -> Any:  # noqa: ANN401
        if next(calls) == 1:
            raise RuntimeError("killed")
        return real(*given)

    with monkeypatch.context() as dying_once:
        dying_once.setattr(stored, dies_in, dying)
        with pytest.raises(RuntimeError, match="killed"):
            ranking.rank_closed(worker)
    interrupted = [row for row in periods_of(worker.engine).values() if row.ranked_at is None]
    assert len(interrupted) == 1
    assert ranks_told(worker.engine, ("main", interrupted[0].period_id), players) == ranks_in_list(
        worker.engine, ("main", interrupted[0].period_id)
    )
    ranking.rank_closed(worker)
    assert {row.digest for row in periods_of(worker.engine).values()} == {digest_of(worker.engine, WEEK[1])}
    checked = verified_periods.check(worker.engine)
    assert (checked.periods, checked.misfits) == (3, [])


def test_a_period_is_read_and_numbered_some_rows_at_a_time(
    worker: WorkerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "SLICE", 4)
    play(worker, NOON)
    real, sizes = stored.number, []

    def noted(*given: Any) -> None:  # noqa: ANN401
        sizes.append((given[3], len(given[4])))
        real(*given)

    monkeypatch.setattr(stored, "number", noted)
    ranking.rank_closed(worker)
    assert sizes == [(1, 4), (5, 2)] * 3


def test_a_period_waits_for_the_one_before_it(worker: WorkerState) -> None:
    play(worker, NOON, NOON + DAY)
    with worker.engine.begin() as connection:
        open_again = "UPDATE periods SET closed_at = NULL, last_event_id = NULL WHERE period_id = '2026-11-23'"
        connection.execute(text(open_again))
    ranking.rank_closed(worker)
    ranked = {row.period_id for row in periods_of(worker.engine).values() if row.ranked_at}
    assert ranked == {"2026-W48", "2026-11"}
    closing.close_ended(worker, LATER)
    ranking.rank_closed(worker)
    found = periods_of(worker.engine)
    assert found["2026-11-24"].previous_digest == found["2026-11-23"].digest


def test_an_amended_period_is_ranked_anew_and_the_later_ones_keep_their_digests(
    web: FlaskClient, worker: WorkerState
) -> None:
    play(worker, NOON, NOON + DAY)
    ranking.rank_closed(worker)
    before = periods_of(worker.engine)
    with worker.engine.connect() as connection:
        event = connection.execute(text("SELECT min(id) FROM score_events")).scalar_one()
    corrector = Corrector(worker.engine, worker.board, worker.inbox)
    corrector.void_event(event, Told("a modified client", amends=True), Actor("chief"))
    told = {period["period"]: period for period in web.get("/api/periods").get_json()["periods"]}
    waiting = told["2026-11-23"]
    assert (waiting["state"], waiting["digest"], waiting["total"], waiting["revision"]) == ("closed", None, None, 2)
    assert told["2026-11-24"]["state"] == "ranked"
    ranking.rank_closed(worker)
    after = periods_of(worker.engine)
    assert after["2026-11-23"].digest == digest_of(worker.engine, "2026-11-23") != before["2026-11-23"].digest
    assert after["2026-11-24"] == before["2026-11-24"]
    assert (after["2026-11-23"].revision, after["2026-11-23"].total) == (2, 5)
    checked = verified_periods.check(worker.engine)
    assert (checked.periods, checked.misfits) == (4, [])


def test_an_amendment_in_the_middle_of_a_ranking_wins(worker: WorkerState, monkeypatch: pytest.MonkeyPatch) -> None:
    play(worker, NOON)
    real = stored.number

    def amended_meanwhile(*given: Any) -> None:  # noqa: ANN401
        real(*given)
        with worker.recording.connect() as connection:  # whose statements commit by themselves
            connection.execute(text("UPDATE periods SET revision = revision + 1"))

    with worker.engine.connect() as connection:
        period = next(each for each in stored.unranked(connection) if each.period_id == FIRST_DAY[1])
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(stored, "number", amended_meanwhile)
        assert not ranking.rank(worker, period)
    assert periods_of(worker.engine)[FIRST_DAY[1]].ranked_at is None
    ranking.rank_closed(worker)
    assert periods_of(worker.engine)[FIRST_DAY[1]].ranked_at is not None


def test_a_repair_and_a_purge_of_a_closed_period_rank_it_anew(worker: WorkerState) -> None:
    players = play(worker, NOON)
    ranking.rank_closed(worker)
    with worker.engine.begin() as connection:
        tampered = "UPDATE standings SET score = 999 WHERE period_id = '2026-11-23' AND user_id = CAST(:user AS uuid)"
        connection.execute(text(tampered), {"user": players[0]})
    (misfit,) = verified_periods.check(worker.engine).misfits
    assert (misfit.period.board, misfit.found.total) == (FIRST_DAY, 6)
    worker.verifier.recount([players[0]])
    assert [row.revision for row in periods_of(worker.engine).values()].count(2) == 1
    with worker.engine.begin() as connection:
        erasure.purge(connection, players[1])
    ranking.rank_closed(worker)
    found = periods_of(worker.engine)
    assert {period: (row.revision, row.total) for period, row in found.items()} == {
        "2026-11-23": (3, 5),
        "2026-W48": (2, 5),
        "2026-11": (2, 5),
    }
    assert verified_periods.check(worker.engine).misfits == []


def test_a_rank_that_was_changed_by_hand_is_found(worker: WorkerState) -> None:
    play(worker, NOON)
    ranking.rank_closed(worker)
    with worker.engine.begin() as connection:
        swapped = "UPDATE standings SET final_rank = 3 - final_rank WHERE period_id = '2026-11-23' AND final_rank < 3"
        connection.execute(text(swapped))
    (misfit,) = verified_periods.check(worker.engine).misfits
    assert misfit.found.misplaced == 2
    assert misfit.found.digest == misfit.period.digest


@pytest.fixture
def settings_before(servers: Servers, make_settings: SettingsFactory) -> Iterator[Settings]:
    """Of an installation of before 0020 that has closed two days, the later one with more rows."""
    settings = make_settings(DATABASE_URL=servers.create_database("before_ranks"))
    engine = database.create(settings, pool_size=1, statement_timeout_ms=30_000)
    migrate.upgrade(engine, "0018")
    with engine.begin() as connection:
        connection.exec_driver_sql(ROWS_BEFORE)
    engine.dispose()
    yield settings


ROWS_BEFORE = """
INSERT INTO boards (id) VALUES ('main');
INSERT INTO users (id, username, username_key, password_hash, role)
SELECT ('00000000-0000-4000-8000-00000000000' || n)::uuid, 'p' || n, 'p' || n, '-', 'player'
FROM generate_series(1, 3) AS n;
INSERT INTO standings (board_id, period_id, user_id, score, tie, version, updated_at)
SELECT 'main', day, ('00000000-0000-4000-8000-00000000000' || n)::uuid, n * 5, n, 1, day::timestamptz
FROM (VALUES ('2026-10-26', 1), ('2026-10-26', 2), ('2026-10-27', 1), ('2026-10-27', 2), ('2026-10-27', 3))
    AS r(day, n);
INSERT INTO periods (board_id, period_id, starts_at, ends_at, closed_at, last_event_id)
SELECT 'main', day, day::timestamptz, day::timestamptz + interval '1 day', day::timestamptz + interval '2 days', 3
FROM unnest(ARRAY['2026-10-26', '2026-10-27']) AS day;
"""
"""As the version before wrote them. It does not change with the code."""


def test_periods_that_were_closed_before_the_upgrade_are_ranked_after_it(settings_before: Settings) -> None:
    worker = WorkerState.create(settings_before)
    migrate.upgrade(worker.engine)
    ranking.rank_closed(worker)
    found = periods_of(worker.engine)
    assert {period: row.total for period, row in found.items()} == {"2026-10-26": 2, "2026-10-27": 3}
    assert found["2026-10-26"].digest == digest_of(worker.engine, "2026-10-26")
    assert found["2026-10-27"].digest == digest_of(worker.engine, "2026-10-27", found["2026-10-26"].digest)
    with worker.engine.begin() as connection:  # an earlier version goes on for as long as the upgrade takes
        connection.exec_driver_sql(
            "INSERT INTO periods (board_id, period_id, starts_at, ends_at) VALUES ('main', '2026-10-28', now(), now())"
        )
    worker.close()
