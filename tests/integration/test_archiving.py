"""Archiving days: whole or not at all, safe to die in and to repeat, and nothing that follows from a day is lost."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, text

from common.core.settings import Settings
from common.core.timestamps import format_instant
from common.domain.corrections import Told
from common.domain.standing import BoardId
from common.postgres import archive_index, archive_purge, archives, archiving, snapshots, unarchiving
from common.postgres import engine as database
from common.postgres.archiving import AmendedError, BusyError, Day, NotWholeError
from common.postgres.audit import Actor
from common.services import showing, suspensions
from common.services.corrections import Corrector
from common.services.suspensions import Decision
from scoreboard import verified_periods
from tests.archived_days import archive_all, rows_of
from tests.command_line import CommandLine
from tests.inbox import accept_at, add_users, drain_completely
from tests.integration.test_corrections import event_of, follow, no_drift
from tests.player import admin, error_code
from workers import closing, ranking
from workers.state import WorkerState

FIRST, SECOND = ("main", "2026-01-05"), ("main", "2026-01-06")
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
WHY = Told("a mistake", amends=False)
AMENDING = WHY._replace(amends=True)
CHIEF = Actor("chief")
ACTIONS = ("win-tournament", "share", "win-match", "share", "complete-level", "win-match")
MOST_COMMITS = 40


class KilledError(Exception):
    """Stands for a `kill -9`."""


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "ROWS", 2)
    monkeypatch.setattr(archiving, "CHUNKS_AT_ONCE", 1)
    monkeypatch.setattr(archiving, "ROWS_AT_ONCE", 2)


@pytest.fixture
def players(worker: WorkerState) -> list[str]:
    """Who have played on two days that are ranked; the third of them is anonymous, and the last one suspended."""
    ids = add_users(worker.engine, len(ACTIONS))
    for day in (NOON, NOON + timedelta(days=1)):
        for second, (player, action) in enumerate(zip(ids, ACTIONS, strict=True)):
            accept_at(worker, player, day + timedelta(seconds=second), action)
    drain_completely(worker)
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE users SET visibility = 'anonymous' WHERE id = :user"), {"user": ids[2]})
        suspensions.decide(connection, Decision(ids[-1], suspended=True, actor="nobody", reason="a test"))
    showing.show(worker.engine, worker.board, worker.inbox, ids[-1])
    rank(worker)
    with worker.engine.begin() as connection:  # as if it had been done in time
        connection.execute(text("UPDATE periods SET closed_at = ends_at + interval '1 hour' WHERE closed_at > ends_at"))
    return ids


@pytest.fixture
def mover(settings: Settings) -> Iterator[Engine]:
    """What moves days: one connection has the lock, one a snapshot, and one writes."""
    engine = database.create(settings, pool_size=3, statement_timeout_ms=30_000)
    yield engine
    engine.dispose()


def rank(worker: WorkerState) -> None:
    closing.close_ended(worker, datetime.now(UTC))
    ranking.rank_closed(worker)


@pytest.fixture
def corrector(worker: WorkerState) -> Corrector:
    return Corrector(worker.engine, worker.board, worker.inbox)


def is_archived(engine: Engine, board: BoardId = FIRST) -> bool:
    with engine.connect() as connection:
        return archives.is_archived(connection, *board)


def period(engine: Engine, board: BoardId = FIRST) -> Any:  # noqa: ANN401 - a row
    with engine.connect() as connection:
        values = {"board": board[0], "period": board[1]}
        return connection.execute(
            text("SELECT * FROM periods WHERE (board_id, period_id) = (:board, :period)"), values
        ).one()


def days(engine: Engine) -> list[Day]:
    with engine.connect() as connection:
        return archiving.days(connection, datetime.now(UTC), None)


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        wanted = text(f"SELECT count(*) FROM {table} WHERE period_id = '{FIRST[1]}'")  # noqa: S608 - a test's own names
        return int(connection.execute(wanted).scalar_one())


def told(client: FlaskClient, players: list[str]) -> dict[str, Any]:
    """What the API tells of the first day, but for the version of the board."""
    at = f"period={FIRST[1]}"
    paths = [f"/api/scores/leaderboard?{at}{more}" for more in ("", "&limit=2", "&aroundScore=20&limit=2")]
    paths += [f"/api/scores/leaderboard?{at}&around={player}&limit=3" for player in players]
    paths += [f"/api/scores/user/{player}?{at}" for player in players]
    paths += [f"/api/scores/user/{player}/boards?{at}" for player in players]
    paths += [f"/api/scores/user/{player}/placements" for player in players]
    paths += ["/api/periods", f"/api/boards/main/export?{at}&format=json"]
    answers = {path: client.get(path) for path in paths}
    found = {path: (answer.status_code, dict(answer.get_json())) for path, answer in answers.items()}
    following = f"{paths[1]}&cursor={found[paths[1]][1]['nextCursor']}"
    found["following"] = (200, dict(client.get(following).get_json()))
    looked_up = client.post("/api/scores/lookup", json={"board": "main", "period": FIRST[1], "userIds": players})
    found["lookup"] = (looked_up.status_code, dict(looked_up.get_json()))
    for _, body in found.values():
        for moving in ("version", "requestId", "asOf", "serverTime", "lastChanged"):
            body.pop(moving, None)
        body.get("error", {}).pop("requestId", None)
    return found


def killed_at(engine: Engine, commit: int) -> Callable[[], None]:
    """Let the process die before it commits for this many-th time, from 1; what ends that."""
    commits = 0

    def note(_connection: object) -> None:
        nonlocal commits
        commits += 1
        if commits == commit:
            raise KilledError

    event.listen(engine, "commit", note)
    return lambda: event.remove(engine, "commit", note)


def deaths(engine: Engine, act: Callable[[], object]) -> Iterator[int]:
    """Act again and again, and die before the first commit, then the second one, and so on; yield after each death."""
    for commit in range(1, MOST_COMMITS):
        end = killed_at(engine, commit)
        try:
            act()
        except KilledError:
            pass
        else:
            return
        finally:
            end()
        yield commit
    raise AssertionError("it does not end")


def archive(worker: WorkerState, engine: Engine) -> None:
    """Do what the command does."""
    with archiving.lock(engine):
        with engine.connect() as connection:
            left = archiving.left(connection)
        worker.board.expire(dict.fromkeys((FIRST, SECOND), NOON))
        for board in left:
            archiving.delete_standings(engine, board, lambda _: None)
        archive_all(engine)


def test_an_archived_day_is_told_as_before(
    client: FlaskClient, worker: WorkerState, mover: Engine, players: list[str]
) -> None:
    before = told(client, players)
    assert [entry["score"] for entry in before[f"/api/scores/leaderboard?period={FIRST[1]}"][1]["entries"]] == [
        *(100, 25, 10, 1, 1),
    ]
    page = client.get(f"/?period={FIRST[1]}").text
    archive(worker, mover)
    assert is_archived(worker.engine)
    assert told(client, players) == before
    assert [line for line in client.get(f"/?period={FIRST[1]}").text.splitlines() if "player-" in line] == [
        line for line in page.splitlines() if "player-" in line
    ]
    assert (count(worker.engine, "standings"), count(worker.engine, "ledger_totals")) == (0, 0)


def test_it_may_die_anywhere_and_nobody_sees_it(
    client: FlaskClient, worker: WorkerState, mover: Engine, players: list[str]
) -> None:
    before, rows = told(client, players), rows_of(worker.engine, FIRST)
    died = [told(client, players) == before for _ in deaths(mover, lambda: archive(worker, mover))]
    assert len(died) > 6
    assert all(died)
    assert (count(worker.engine, "standings"), count(worker.engine, "archives")) == (0, 3)
    assert no_drift(worker)

    def restore() -> None:
        with archiving.lock(mover):
            for board in (FIRST, SECOND):
                if is_archived(worker.engine, board):
                    unarchiving.restore(mover, board, lambda _connection, _rows: None, lambda _: None)

    came_back = [told(client, players) == before for _ in deaths(mover, restore)]
    assert len(came_back) > 6
    assert all(came_back)
    assert rows_of(worker.engine, FIRST) == rows
    assert (count(worker.engine, "archives"), count(worker.engine, "archived_players")) == (0, 0)
    assert told(client, players) == before
    assert no_drift(worker)


def test_nothing_of_an_archived_day_counts_as_drift_or_is_repaired(
    worker: WorkerState, mover: Engine, players: list[str], command_line: CommandLine
) -> None:
    assert no_drift(worker)
    kept = rows_of(worker.engine, SECOND)
    end = killed_at(mover, 12)
    with pytest.raises(KilledError):
        archive(worker, mover)
    end()
    assert is_archived(worker.engine)
    assert no_drift(worker), "with standings that are on their way out, too"
    worker.verifier.recount(players)
    assert rows_of(worker.engine, SECOND) == kept
    archive(worker, mover)
    worker.verifier.recount(players)
    assert (count(worker.engine, "standings"), count(worker.engine, "ledger_totals")) == (0, 0)
    found = command_line("verify", "--full", "--patience", "0")
    assert "everything agrees" in found.stdout
    assert "2 archived days are not compared with the ledger" in found.stdout
    assert worker.verifier.checkpoint.lag() == 0
    assert count(worker.engine, "ledger_totals") == 0


def test_digests_of_archived_days_are_computed_again(worker: WorkerState, mover: Engine, players: list[str]) -> None:
    archive(worker, mover)
    checked = verified_periods.check(worker.engine)
    assert (checked.periods, checked.misfits) == (4, [])
    with worker.engine.begin() as connection:
        of_second = connection.execute(
            text("SELECT data FROM archives WHERE period_id = :period AND chunk = 0"), {"period": SECOND[1]}
        ).scalar_one()
        connection.execute(
            text("UPDATE archives SET data = :data WHERE period_id = :period AND chunk = 0"),
            {"period": FIRST[1], "data": of_second},
        )
        connection.execute(
            text("UPDATE archived_players SET data = set_byte(data, 33, get_byte(data, 33) + 2) WHERE period_id = :id"),
            {"id": SECOND[1]},
        )
    first, second = verified_periods.check(worker.engine).misfits
    assert (first.period.board, first.found.digest != first.period.digest) == (FIRST, True)
    assert (second.period.board, second.found.digest, second.found.misplaced > 0) == (
        *(SECOND, second.period.digest, True),
    )


def test_a_day_that_changes_meanwhile_or_is_not_as_it_was_ranked_stays_as_it_is(
    worker: WorkerState, mover: Engine, players: list[str], corrector: Corrector, monkeypatch: pytest.MonkeyPatch
) -> None:
    voided = event_of(worker, players[1], "share")  # of the second day
    copy = archiving._copy_players

    def and_then_void(engine: Engine, *rest: Any) -> None:  # noqa: ANN401
        copy(engine, *rest)
        corrector.void_event(voided, AMENDING, CHIEF)

    def attempt(day: Day) -> None:
        archiving.archive(mover, day, lambda _connection, _rows: None, lambda _: None)

    first, second = days(worker.engine)
    with monkeypatch.context() as patched:
        patched.setattr(archiving, "_copy_players", and_then_void)
        with pytest.raises(AmendedError):
            attempt(second)
    assert (period(worker.engine, SECOND).revision, len(rows_of(worker.engine, SECOND))) == (2, len(players))
    ranking.rank_closed(worker)
    with pytest.raises(AmendedError):  # after it was listed
        attempt(second)
    second = days(worker.engine)[1]
    attempt(second)
    with pytest.raises(AmendedError):  # it is archived already
        attempt(second)
    assert verified_periods.check(worker.engine).misfits == []
    assert (is_archived(worker.engine, FIRST), is_archived(worker.engine, SECOND)) == (False, True)
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE standings SET score = score + 1 WHERE period_id = :p"), {"p": FIRST[1]})
    with pytest.raises(NotWholeError):
        attempt(first)
    assert not is_archived(worker.engine)


def test_a_correction_that_would_change_an_archived_day_is_refused_and_any_other_is_not(
    worker: WorkerState, mover: Engine, players: list[str], client: FlaskClient, corrector: Corrector
) -> None:
    chief = admin(client, worker.engine)
    archive(worker, mover)
    before = told(client, players)
    voided = event_of(worker, players[0], "win-tournament")

    def correct(path: str, **body: object) -> Any:  # noqa: ANN401 - an answer
        return client.post(f"/api/admin/{path}", json={"reason": "a mistake", **body}, headers=chief.headers)

    span = {"from": format_instant(NOON - timedelta(hours=1)), "to": format_instant(NOON + timedelta(days=2))}
    refused = correct(f"users/{players[0]}/void", amendClosed=True, **span)
    assert (refused.status_code, error_code(refused)) == (409, "period_archived")
    assert refused.get_json()["error"]["details"] == {
        "periods": [{"board": "main", "period": FIRST[1]}, {"board": "main", "period": SECOND[1]}]
    }
    assert error_code(correct(f"users/{players[0]}/void", amendClosed=True, dryRun=True, **span)) == "period_archived"
    assert error_code(correct(f"events/{voided}/void", amendClosed=True)) == "period_archived"
    assert no_drift(worker)

    assert correct(f"events/{voided}/void", amendClosed=False).status_code == 200
    assert error_code(correct(f"events/{voided}/void", amendClosed=True)) == "period_archived"
    assert correct(f"events/{voided}/restore").status_code == 200
    off = {"userId": players[1]}
    assert error_code(correct("boards/main/disqualify", amendClosed=True, **off)) == "period_archived"
    assert correct("boards/main/disqualify", amendClosed=False, **off).status_code == 200
    assert error_code(correct("boards/main/disqualify", amendClosed=True, **off)) == "period_archived"
    assert told(client, players) == {**before, **told_now(before, told(client, players))}
    assert no_drift(worker)

    for board in (FIRST, SECOND):
        unarchiving.restore(mover, board, lambda _connection, _rows: None, lambda _: None)
    assert correct(f"events/{voided}/void", amendClosed=True).status_code == 200
    assert correct("boards/main/disqualify", amendClosed=True, **off).status_code == 200
    rank(worker)
    entries = client.get(f"/api/scores/leaderboard?period={SECOND[1]}").get_json()["entries"]
    assert [entry["score"] for entry in entries] == [25, 10, 1]
    archive(worker, mover)
    assert error_code(correct(f"events/{voided}/restore")) == "period_archived", "as it was voided: in closed ones, too"
    assert error_code(correct("boards/main/requalify", **off)) == "period_archived"
    assert correct("boards/main/requalify", amendClosed=False, **off).status_code == 200
    assert no_drift(worker)


def told_now(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """What is told of weeks and months, which a disqualification does not amend either, but of all time it does."""
    return {path: now[path] for path in before if path == "/api/periods"}


def test_a_purged_player_leaves_archived_days_and_those_behind_move_up(
    worker: WorkerState, mover: Engine, players: list[str], client: FlaskClient, command_line: CommandLine
) -> None:
    closing.store_final_snapshots(worker)
    archive(worker, mover)
    before = period(worker.engine)
    gone = players[2]
    for commit in deaths(mover, lambda: archive_purge.remove_player(mover, gone, lambda _a, _b: None)):
        assert is_archived(worker.engine), commit
    done = command_line("users", "erase", gone, "--purge", "--yes")
    assert done.returncode == 0, done.stderr
    after = period(worker.engine)
    assert (after.revision, after.total, after.snapshot_due) == (before.revision + 1, before.total - 1, True)
    assert after.digest != before.digest
    assert verified_periods.check(worker.engine).misfits == []
    entries = client.get(f"/api/scores/leaderboard?period={FIRST[1]}").get_json()["entries"]
    assert [(entry["rank"], entry["score"]) for entry in entries] == [(1, 100), (2, 10), (3, 1), (4, 1)]
    with worker.engine.connect() as connection:
        assert archive_index.of_player(connection, gone) == []
    closing.store_final_snapshots(worker)
    with worker.engine.connect() as connection:
        newest = snapshots.page(connection, *FIRST, 1, None)[0]
        kept = snapshots.find(connection, newest.id)
    assert kept is not None
    assert [entry.score for entry in kept[1]] == [100, 10, 1, 1]
    assert command_line("users", "erase", gone, "--purge", "--yes").returncode == 0, "it is safe to repeat"
    assert period(worker.engine).revision == after.revision
    assert no_drift(worker)


def test_an_erased_player_is_nobody_in_archived_days(
    worker: WorkerState, mover: Engine, players: list[str], client: FlaskClient, command_line: CommandLine
) -> None:
    archive(worker, mover)
    assert command_line("users", "erase", players[0], "--yes").returncode == 0
    first = client.get(f"/api/scores/leaderboard?period={FIRST[1]}").get_json()["entries"][0]
    assert (first["score"], first["rank"], first["username"]) == (100, 1, "Anonymous")
    assert first["userId"] != players[0]


def test_the_command_archives_lists_and_brings_back(
    worker: WorkerState, mover: Engine, players: list[str], command_line: CommandLine
) -> None:
    dry = command_line("periods", "archive", "--before", "2026-01-06", "--dry-run")
    assert (dry.returncode, dry.stdout) == (0, "1 days of 1 boards, 5 places in them\n")
    assert not is_archived(worker.engine)
    done = command_line("periods", "archive", "--before", "2026-01-07", "--board", "main", "--yes")
    assert done.stdout.endswith("2 days archived, with 12 places\n"), done.stderr
    again = command_line("periods", "archive", "--before", "2026-01-07", "--yes")
    assert (again.returncode, again.stdout) == (0, "0 days of 0 boards, 0 places in them\n")
    listed = json.loads(command_line("periods", "list", "--json").stdout)
    assert [(each["board"], each["period"], each["places"]) for each in listed] == [(*FIRST, 6), (*SECOND, 6)]
    assert all(each["bytes"] > 6 * 34 for each in listed)
    exported = command_line("export", "--period", FIRST[1])
    assert len(exported.stdout.splitlines()) == 6
    as_it_is = command_line("export", "--period", FIRST[1], "--as-of", format_instant(period(worker.engine).closed_at))
    assert as_it_is.stdout == exported.stdout
    within = command_line("export", "--period", FIRST[1], "--as-of", format_instant(NOON))
    assert (within.returncode, "bring it back first" in within.stderr) == (1, True)
    rebuilt = command_line("rebuild", "--board", "main", "--period", FIRST[1])
    assert (rebuilt.returncode, "is archived" in rebuilt.stderr) == (1, True)
    assert not worker.rebuilder.rebuild(*FIRST)
    of_days = ("--title", "A", "--board", "main", "--period", "daily", "--reach", "50", "--retroactive")
    assert command_line("achievements", "set", "a", *of_days).stderr.startswith("2 days are archived")
    behind = command_line("periods", "restore", FIRST[1])
    assert (behind.returncode, "run `scoreboard verify` first" in behind.stderr) == (1, True)
    follow(worker)
    back = command_line("periods", "restore", FIRST[1], SECOND[1], "--board", "main")
    assert back.stdout.splitlines() == [f"{day} of main: back, with 6 places" for _, day in (FIRST, SECOND)]
    twice = command_line("periods", "restore", FIRST[1])
    assert (twice.returncode, "is not archived" in twice.stderr) == (1, True)
    with worker.engine.connect() as connection:
        made = connection.execute(text("SELECT action, details FROM audit_log WHERE action LIKE '%e_period'")).all()
    assert sorted((row.action, row.details["period"], row.details["places"]) for row in made) == [
        *(("archive_period", day, 6) for _, day in (FIRST, SECOND)),
        *(("restore_period", day, 6) for _, day in (FIRST, SECOND)),
    ]


def test_what_cannot_be_archived_is_refused(command_line: CommandLine) -> None:
    today = datetime.now(UTC).date().isoformat()
    for words, said in (
        (["--before", "yesterday"], "a day such as 2026-01-31"),
        (["--before", "2026-02-30"], "a day such as 2026-01-31"),
        (["--before", "2099-01-01"], "is later than"),
        (["--before", today], "read from Redis"),
        ([], "--before"),
        (["--before", "2026-01-07", "--board", "nowhere"], "there is no board 'nowhere'"),
    ):
        done = command_line("periods", "archive", *words, "--yes")
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_a_day_that_is_not_ranked_is_named_and_stays_while_others_are_archived(
    worker: WorkerState, mover: Engine, players: list[str], command_line: CommandLine
) -> None:
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE periods SET ranked_at = NULL WHERE period_id = :p"), {"p": FIRST[1]})
    done = command_line("periods", "archive", "--before", "2026-01-07", "--yes")
    assert (done.returncode, done.stderr) == (1, "left as it is: 2026-01-05 of main is not ranked yet\n")
    assert (is_archived(worker.engine, FIRST), is_archived(worker.engine, SECOND)) == (False, True)


def test_one_command_at_a_time_moves_days(mover: Engine, command_line: CommandLine, players: list[str]) -> None:
    with archiving.lock(mover):
        with pytest.raises(BusyError), archiving.lock(mover):
            pass
        for words in (
            ["periods", "archive", "--before", "2026-01-07", "--yes"],
            ["periods", "restore", FIRST[1]],
            ["users", "erase", players[0], "--purge", "--yes"],
        ):
            done = command_line(*words)
            assert (done.returncode, "another command is moving" in done.stderr) == (1, True), done.stderr
