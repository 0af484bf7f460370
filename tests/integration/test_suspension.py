"""Suspension: tokens die, entries leave every board, nothing brings them back but the reinstatement."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import event, text
from structlog.testing import capture_logs

from common.contract.constants import PERIOD_NAMES
from common.core.settings import Settings
from common.domain import passwords, tokens
from common.domain.standing import Standing
from common.postgres import sessions, standings, users
from common.redis_store import keys
from common.services import revocations, showing, suspensions
from common.services.revocations import Revocations
from common.services.suspensions import COMMAND_LINE, Decision
from common.services.verification import Verifier
from tests.command_line import CommandLine
from tests.game_server import game_server, item
from tests.inbox import accept, add_users, board_of, drain_completely
from tests.player import PASSWORD, Player, error_code, log_in, register
from tests.unfit_schema import renamed_column
from workers import maintenance
from workers.recording import Recorded
from workers.state import WorkerState


@pytest.fixture
def chief(web: FlaskClient, worker: WorkerState) -> Player:
    """An admin."""
    with worker.engine.begin() as connection:
        users.create(connection, "chief", passwords.hashed(PASSWORD), "admin")
    return log_in(web, "chief")


@pytest.fixture
def ada(web: FlaskClient) -> Player:
    return register(web, "ada")


@pytest.fixture
def three(worker: WorkerState, ada: Player) -> list[str]:
    """ada and two more, in the order of the board: 100, 25, 1 points."""
    bob, eve = add_users(worker.engine, 2)
    for player, action in ((ada.user_id, "win-tournament"), (bob, "win-match"), (eve, "share")):
        accept(worker, player, action)
    drain_completely(worker)
    return [ada.user_id, bob, eve]


def moderate(chief: Player, user_id: str, what: str = "suspend") -> None:
    path = f"/api/admin/users/{user_id}/{what}"
    answer = chief.client.post(path, json={"reason": "impossible scores"}, headers=chief.headers)
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["suspended"] == (what == "suspend")


def decide(worker: WorkerState, user_id: str, *, suspended: bool = True) -> None:
    """Decided, and Redis was not told."""
    with worker.engine.begin() as connection:
        assert suspensions.decide(connection, Decision(user_id, suspended, COMMAND_LINE, ""))


def shown(client: FlaskClient) -> list[tuple[str, int]]:
    entries = client.get("/api/scores/leaderboard").get_json()["entries"]
    assert [entry["rank"] for entry in entries] == list(range(1, len(entries) + 1))
    return [(entry["userId"], entry["score"]) for entry in entries]


def no_drift(worker: WorkerState) -> bool:
    verifier = Verifier(worker.engine, worker.board)
    return verifier.check(verifier.players("00000000-0000-0000-0000-000000000000")) == []


def test_entries_leave_every_board_and_ranks_close_up(
    web: FlaskClient, chief: Player, worker: WorkerState, three: list[str]
) -> None:
    ada, bob, eve = three
    moderate(chief, ada)
    assert shown(web) == [(bob, 25), (eve, 1)]
    assert web.get(f"/api/scores/user/{bob}").get_json()["rank"] == 1
    assert web.get(f"/api/scores/user/{ada}").status_code == 404
    assert web.get(f"/api/scores/leaderboard?around={ada}").get_json()["found"] is False
    for period in PERIOD_NAMES:
        page = web.get(f"/api/scores/leaderboard?period={period}").get_json()
        assert (page["total"], page["entries"][0]["userId"]) == (2, bob)
    assert no_drift(worker)
    assert worker.verifier.surplus("main", "all") == 0


def test_tokens_die_at_once_and_login_is_refused(web: FlaskClient, chief: Player, ada: Player) -> None:
    moderate(chief, ada.user_id)
    refused = [
        ada.update("share"),
        web.post("/api/auth/ticket", headers=ada.headers),
        web.post("/api/auth/refresh", json={"refreshToken": ada.login["refreshToken"]}),
        web.post("/api/auth/login", json={"username": "ada", "password": PASSWORD}),
    ]
    assert [(answer.status_code, error_code(answer)) for answer in refused] == [(403, "account_suspended")] * 4
    wrong = web.post("/api/auth/login", json={"username": "ada", "password": "wrong password"})
    assert error_code(wrong) == "invalid_credentials"


def test_a_reinstated_user_is_back_with_everything_and_logs_in_anew(
    web: FlaskClient, chief: Player, worker: WorkerState, ada: Player, three: list[str]
) -> None:
    before = shown(web)
    moderate(chief, ada.user_id)
    moderate(chief, ada.user_id, "reinstate")
    assert shown(web) == before
    assert error_code(ada.update("share")) == "token_revoked"
    again = log_in(web, "ada")
    assert again.update("share", prefer="respond-async").status_code == 202
    drain_completely(worker)
    assert board_of(worker)[ada.user_id] == 101
    assert no_drift(worker)


def test_updates_in_hand_are_recorded_and_shown_after_the_reinstatement(
    chief: Player, worker: WorkerState, three: list[str]
) -> None:
    ada, bob, eve = three
    (newcomer,) = add_users(worker.engine, 1)
    keys = {player: accept(worker, player, "win-match") for player in (ada, newcomer)}
    for player in (ada, newcomer):
        moderate(chief, player)
    drain_completely(worker)
    assert board_of(worker) == {bob: 25, eve: 1}
    receipt = worker.inbox.receipt(ada, keys[ada])
    assert receipt
    assert receipt["status"] == "applied"
    assert (receipt["entry"]["score"], receipt["entry"]["rank"]) == (125, None)
    assert no_drift(worker)
    for player in (ada, newcomer):
        moderate(chief, player, "reinstate")
    assert board_of(worker) == {ada: 125, bob: 25, newcomer: 25, eve: 1}
    assert no_drift(worker)


def test_a_projection_that_comes_late_brings_nobody_back(chief: Player, worker: WorkerState, three: list[str]) -> None:
    """A worker has committed before the suspension, and projects after it; and again after a rebuild."""
    ada, bob, eve = three
    accept(worker, ada, "win-match")
    deliveries = worker.inbox.read("slow-worker", 10)
    recorded, committed_at = worker.drain.batches._record(deliveries, None)  # type: ignore[arg-type]
    assert isinstance(recorded, Recorded)
    moderate(chief, ada)
    worker.drain.batches._project(recorded, committed_at)
    assert board_of(worker) == {bob: 25, eve: 1}
    assert worker.rebuilder.rebuild("main", "all")
    worker.drain.batches._project(recorded, committed_at)
    assert board_of(worker) == {bob: 25, eve: 1}
    worker.drain.batches.apply(worker.inbox.reclaim("heir", 10, 0))
    assert board_of(worker) == {bob: 25, eve: 1}
    assert no_drift(worker)


def test_neither_a_flushed_redis_nor_a_repair_brings_anybody_back(
    web: FlaskClient, chief: Player, worker: WorkerState, three: list[str]
) -> None:
    ada, bob, eve = three
    moderate(chief, ada)
    worker.redis.flushall()
    assert shown(web) == [(bob, 25), (eve, 1)]  # from PostgreSQL
    worker.verifier.recount(three)
    maintenance.repair(worker)
    assert board_of(worker) == {bob: 25, eve: 1}
    assert shown(web) == [(bob, 25), (eve, 1)]
    assert web.get(f"/api/scores/user/{ada}").status_code == 404
    assert no_drift(worker)


def test_who_dies_before_telling_redis_is_made_up_for_by_the_sweep(worker: WorkerState, three: list[str]) -> None:
    ada, bob, eve = three
    decide(worker, ada)
    assert ada in board_of(worker)
    assert not no_drift(worker)
    maintenance.show_changes(worker)
    assert board_of(worker) == {bob: 25, eve: 1}
    with worker.engine.connect() as connection:
        assert showing.pending(connection, 9) == []


@pytest.mark.parametrize("instant", ["before the snapshot", "after the snapshot"])
def test_a_suspension_in_the_middle_of_a_rebuild_is_not_undone_by_its_end(
    worker: WorkerState, three: list[str], monkeypatch: pytest.MonkeyPatch, instant: str
) -> None:
    ada, bob, eve = three
    stream = standings.stream

    def suspend() -> None:
        decide(worker, ada)
        showing.show(worker.engine, worker.board, worker.inbox, ada)

    def suspending(*arguments: Any) -> Iterator[list[Standing]]:  # noqa: ANN401 - passed on as they are
        if instant == "before the snapshot":
            suspend()
        for page in stream(*arguments):
            if instant == "after the snapshot":
                suspend()
            yield page

    monkeypatch.setattr(standings, "stream", suspending)
    assert worker.rebuilder.rebuild("main", "all")
    with worker.engine.connect() as connection:
        assert showing.pending(connection, 9) == []
    assert board_of(worker) == {bob: 25, eve: 1}
    assert no_drift(worker)


def test_a_rebuild_that_ends_while_redis_is_told_cannot_serve_a_suspended_player(
    worker: WorkerState, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the script answers is true at one instant; nothing is asked after it that a rebuild could have changed."""
    ada, bob, eve = three
    gather_all, project = worker.rebuilder._stage_all, worker.board.project
    answered: list[object] = []

    def project_and_note(*arguments: Any) -> Any:  # noqa: ANN401 - passed on as they are
        answered.extend(answers := project(*arguments))
        return answers

    def gather_and_tell(*arguments: Any) -> int | None:  # noqa: ANN401 - passed on as they are
        rows = gather_all(*arguments)
        decide(worker, ada)
        with monkeypatch.context() as telling:
            telling.setattr(worker.board, "project", project_and_note)
            showing.show(worker.engine, worker.board, worker.inbox, ada)
        return rows

    monkeypatch.setattr(worker.rebuilder, "_stage_all", gather_and_tell)
    assert worker.rebuilder.rebuild("main", "all")
    assert "rebuilding" in answered
    assert board_of(worker) == {bob: 25, eve: 1}
    assert no_drift(worker)


def test_decisions_that_come_while_redis_is_told_leave_it_marked_as_behind(
    worker: WorkerState, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = three[0]
    project = worker.board.project

    def project_slowly(*arguments: Any) -> Any:  # noqa: ANN401 - passed on as they are
        decide(worker, ada)
        decide(worker, ada, suspended=False)
        return project(*arguments)

    decide(worker, ada)
    decide(worker, ada, suspended=False)
    with monkeypatch.context() as slowly:
        slowly.setattr(worker.board, "project", project_slowly)
        showing.show(worker.engine, worker.board, worker.inbox, ada)
    with worker.engine.connect() as connection:
        assert showing.pending(connection, 9) == [ada]
    maintenance.show_changes(worker)
    with worker.engine.connect() as connection:
        assert showing.pending(connection, 9) == []


def test_a_decision_that_is_made_twice_is_one(chief: Player, worker: WorkerState, ada: Player) -> None:
    for what in ("reinstate", "suspend", "suspend", "reinstate", "reinstate"):
        moderate(chief, ada.user_id, what)
    with worker.engine.connect() as connection:
        rows = connection.execute(text("SELECT actor, action, subject, details FROM audit_log ORDER BY id")).all()
    assert [(row.actor, row.action, row.subject) for row in rows] == [
        (chief.user_id, "suspend", ada.user_id),
        (chief.user_id, "reinstate", ada.user_id),
    ]
    assert rows[0].details == {"reason": "impossible scores"}


def test_only_admins_moderate_and_nobody_themselves(web: FlaskClient, chief: Player, ada: Player) -> None:
    path = f"/api/admin/users/{ada.user_id}/suspend"
    assert web.post(path, json={}).status_code == 401
    assert error_code(web.post(path, json={}, headers=ada.headers)) == "forbidden"
    own = web.post(f"/api/admin/users/{chief.user_id}/suspend", json={}, headers=chief.headers)
    assert (own.status_code, error_code(own)) == (403, "forbidden")
    unknown = "/api/admin/users/00000000-0000-4000-8000-000000000000/suspend"
    assert web.post(unknown, json={}, headers=chief.headers).status_code == 404
    assert web.post("/api/admin/users/ada/suspend", json={}, headers=chief.headers).status_code == 400
    assert web.post(path, json={"reason": 1}, headers=chief.headers).status_code == 400


def test_no_reason_need_be_given_but_a_body_must_be_of_its_type(web: FlaskClient, chief: Player, ada: Player) -> None:
    path = f"/api/admin/users/{ada.user_id}/suspend"
    assert web.post(path, headers=chief.headers).get_json()["suspended"]
    assert web.post(path, data="{}", headers=chief.headers).status_code == 415
    assert web.post(path, data="", headers=chief.headers, content_type="application/json").status_code == 400


def test_a_batch_tells_suspended_users_apart(
    web: FlaskClient, chief: Player, worker: WorkerState, settings: Settings, three: list[str]
) -> None:
    moderate(chief, three[0])
    server = game_server(web, worker.engine, settings.secret_key.get_secret_value())
    answer = server.send(item(three[0]), item(three[1])).get_json()
    assert (answer["accepted"], [refusal["code"] for refusal in answer["refused"]]) == (1, ["account_suspended"])


def test_an_operator_suspends_and_reinstates(
    web: FlaskClient, ada: Player, worker: WorkerState, three: list[str], command_line: CommandLine
) -> None:
    done = command_line("users", "suspend", "ADA", "--reason", "impossible scores")
    assert (done.returncode, done.stdout) == (0, "ADA: suspended\n"), done.stderr
    assert ada.user_id not in board_of(worker)
    assert error_code(ada.update("share")) == "account_suspended"
    assert command_line("users", "reinstate", "ada").returncode == 0
    assert board_of(worker)[ada.user_id] == 100
    assert command_line("users", "suspend", "nobody").returncode == 1
    with worker.engine.connect() as connection:
        assert connection.execute(text("SELECT actor FROM audit_log")).scalars().all() == [COMMAND_LINE] * 2


def test_many_sessions_end_in_one_statement_and_one_pipeline(worker: WorkerState, three: list[str]) -> None:
    """Batches wait meanwhile, so nothing may be asked once for each session."""
    now = datetime.now(UTC)
    with worker.engine.begin() as connection:
        session_ids = [sessions.begin(connection, three[0], now).session.id for _ in range(300)]
    said: list[str] = []
    event.listen(worker.engine, "before_cursor_execute", lambda c, cursor, statement, *_: said.append(statement))
    reads = worker.redis.info("stats")["total_reads_processed"]

    assert Revocations(worker.redis, worker.engine).suspend(Decision(three[0], True, COMMAND_LINE, ""), now)

    assert worker.redis.info("stats")["total_reads_processed"] - reads < 50
    assert len([statement for statement in said if "sessions" in statement]) == 2
    marks = worker.redis.mget([keys.session_revoked(session_id) for session_id in session_ids])
    assert set(marks) == {"1"}
    lives = [worker.redis.ttl(keys.session_revoked(session_id)) for session_id in session_ids]
    assert min(lives) > tokens.LIFETIME_SECONDS + 4 * 60
    with worker.engine.connect() as connection:
        assert sessions.live_of(connection, three[0], now) == []


def test_a_login_that_comes_between_the_steps_ends_too(
    worker: WorkerState, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    live_of = sessions.live_of
    begun = []

    def live_of_before_a_login(*arguments: Any) -> list[str]:  # noqa: ANN401 - passed on
        found = live_of(*arguments)
        with worker.engine.begin() as connection:
            begun.append(sessions.begin(connection, three[0], now).session)
        return found

    monkeypatch.setattr(sessions, "live_of", live_of_before_a_login)
    revocations = Revocations(worker.redis, worker.engine)
    revocations.suspend(Decision(three[0], True, COMMAND_LINE, ""), now)
    assert worker.redis.get(keys.session_revoked(begun[0].id)) == "1"
    assert not revocations.is_live(begun[0].id, three[0])


def test_revocations_are_loaded_by_the_clock_of_the_database(worker: WorkerState, three: list[str]) -> None:
    now = datetime.now(UTC)
    with worker.engine.begin() as connection:
        session_id = sessions.begin(connection, three[0], now).session.id
        sessions.revoke(connection, session_id, "logout")
    with time_machine.travel(now + timedelta(hours=3)):
        revocations.load_recent(worker.redis, worker.engine)
    assert worker.redis.get(keys.session_revoked(session_id)) == "1"


@pytest.mark.parametrize(
    ("column", "code"),
    [("hidden", "dependency_unavailable"), ("score", "outcome_unknown")],
    ids=["which the decision needs", "which only its display needs"],
)
def test_a_decision_on_a_schema_that_does_not_fit_is_a_503_that_says_what_is_so(
    chief: Player, ada: Player, worker: WorkerState, column: str, code: str
) -> None:
    path = f"/api/admin/users/{ada.user_id}/suspend"
    with renamed_column(worker.engine, column=column), capture_logs() as logs:
        answer = chief.client.post(path, json={"reason": "cheating"}, headers=chief.headers)
    assert (answer.status_code, error_code(answer), answer.headers["Retry-After"]) == (503, code, "1")
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["request_failed"]
    with worker.engine.connect() as connection:
        assert suspensions.is_suspended(connection, ada.user_id) == (code == "outcome_unknown")
    again = chief.client.post(path, json={"reason": "cheating"}, headers=chief.headers)
    assert (again.status_code, again.get_json()["suspended"]) == (200, True)
