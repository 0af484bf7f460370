"""Adjustments by admins: updates of an action of the board's own, that count once and are nobody else's to claim."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from common.contract.constants import GREATEST_SCORE
from common.domain.adjustments import Adjustment
from common.domain.boards import Board, Rule, SecondScore
from common.domain.permissions import Permissions, Scope
from common.domain.scoring import Action
from common.postgres import adjustments, audit, catalogue, erasure
from common.postgres.audit import AuditRow
from tests.command_line import CommandLine
from tests.game_server import game_server, item
from tests.inbox import drain_completely
from tests.integration.test_scoring_rules import add_boards
from tests.player import Player, admin, error_code, register
from workers.state import WorkerState

BOARDS = [
    Board("games", rule=Rule.COUNT, periods=("all", "daily")),
    Board("contest", second=SecondScore(ascending=True), periods=("all",)),
    Board("laps", rule=Rule.LOWEST, ascending=True),
]
WHY = "a match was counted twice"


@pytest.fixture
def chief(client: FlaskClient, engine: Engine) -> Player:
    """An admin."""
    return admin(client, engine)


@pytest.fixture
def boards(worker: WorkerState, app: Flask) -> None:
    """Boards of other rules than that of `main`, and an action that feeds the one that counts."""
    with worker.engine.begin() as connection:
        add_boards(connection, BOARDS)
        catalogue.add(connection, Action("play", 1, 5, ("main", "games")), enabled=True)
    for known in (worker.catalogue, app.extensions["scoreboard"].catalogue):
        known._catalogue, known._read_at = None, float("-inf")


def adjust(chief: Player, user_id: str, key: str = "a-key-of-ours", prefer: str = "", **body: Any) -> TestResponse:  # noqa: ANN401
    given = {"board": "main", "amount": -20, "reason": WHY, "idempotencyKey": key, **body}
    headers = {**chief.headers, "Prefer": prefer} if prefer else chief.headers
    wanted = {name: value for name, value in given.items() if value is not ...}
    return chief.client.post(f"/api/admin/users/{user_id}/adjust", json=wanted, headers=headers)


def events(engine: Engine) -> list[tuple[Any, ...]]:
    statement = text("SELECT action_id, points, second, refusal, source FROM score_events ORDER BY id")
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(statement)]


def standings(engine: Engine, board: str = "main", period: str = "all") -> list[tuple[int, int, bool]]:
    statement = text("SELECT score, second, hidden FROM standings WHERE (board_id, period_id) = (:board, :period)")
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(statement, {"board": board, "period": period})]


def audited(engine: Engine) -> list[AuditRow]:
    with engine.connect() as connection:
        return [row for row in audit.latest(connection, 100) if row.action == "adjust_score"]


@pytest.mark.usefixtures("draining")
def test_an_adjustment_counts_once_in_all_periods_and_says_who_and_why(
    chief: Player, ada: Player, worker: WorkerState
) -> None:
    ada.update()
    answer = adjust(chief, ada.user_id)
    assert answer.status_code == 200
    told = answer.get_json()
    assert (told["update"]["actionId"], told["update"]["points"], told["entry"]["score"]) == ("adjust-main", -20, 5)
    assert [(entry["board"], entry["score"]) for entry in told["entries"]] == [("main", 5)]

    again = adjust(chief, ada.user_id)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    source = f"admin:{chief.user_id}"
    assert events(worker.engine)[1:] == [("adjust-main", -20, 0, None, source)]
    with worker.engine.connect() as connection:
        scores = connection.execute(text("SELECT score FROM standings WHERE board_id = 'main'")).scalars().all()
    assert scores == [5] * 4
    (row,) = audited(worker.engine)
    assert (row.actor, row.subject) == (chief.user_id, ada.user_id)
    asked = {"board": "main", "amount": -20, "second": 0, "idempotency_key": "a-key-of-ours", "reason": WHY}
    assert row.details == asked
    assert worker.verifier.check([ada.user_id]) == []


@pytest.mark.usefixtures("draining", "boards")
def test_on_a_board_that_counts_an_adjustment_counts_its_value(chief: Player, ada: Player, worker: WorkerState) -> None:
    for _ in range(3):
        ada.update("play")
    assert standings(worker.engine, "games") == [(3, 0, False)]
    assert adjust(chief, ada.user_id, board="games", amount=-2).status_code == 200
    assert standings(worker.engine, "games") == [(1, 0, False)]
    assert standings(worker.engine) == [(15, 0, False)]
    assert worker.verifier.check([ada.user_id]) == []
    worker.verifier.recount([ada.user_id])
    assert standings(worker.engine, "games") == [(1, 0, False)]


@pytest.mark.usefixtures("draining", "boards")
def test_a_second_score_is_adjusted_where_there_is_one(chief: Player, ada: Player, worker: WorkerState) -> None:
    assert adjust(chief, ada.user_id, board="contest", amount=0, second=20).status_code == 200
    assert adjust(chief, ada.user_id, "another-key", board="contest", amount=7).status_code == 200
    assert standings(worker.engine, "contest") == [(7, 20, False)]
    assert worker.verifier.check([ada.user_id]) == []


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"board": "laps"}, 409, "rule_has_no_adjustment"),
    ({"board": "nowhere"}, 400, "unknown_board"),
    ({"board": ...}, 400, "validation_failed"),
    ({"amount": 0}, 400, "validation_failed"),
    ({"amount": 0, "second": 0, "board": "contest"}, 400, "validation_failed"),
    ({"amount": 1.5}, 400, "validation_failed"),
    ({"amount": "5"}, 400, "validation_failed"),
    ({"amount": True}, 400, "validation_failed"),
    ({"amount": GREATEST_SCORE + 1}, 400, "validation_failed"),
    ({"amount": ...}, 400, "validation_failed"),
    ({"second": 1}, 400, "validation_failed"),
    ({"second": 10**15, "board": "contest"}, 400, "validation_failed"),
    ({"reason": ...}, 400, "validation_failed"),
    ({"reason": "no"}, 400, "validation_failed"),
    ({"reason": " . "}, 400, "validation_failed"),
    ({"reason": "x" * 501}, 400, "validation_failed"),
    ({"reason": "with \x1b in it"}, 400, "validation_failed"),
    ({"idempotencyKey": ...}, 400, "validation_failed"),
    ({"idempotencyKey": "short"}, 400, "validation_failed"),
    ({"more": 1}, 400, "validation_failed"),
]


@pytest.mark.usefixtures("boards")
def test_what_cannot_be_is_refused_and_leaves_nothing(chief: Player, ada: Player, worker: WorkerState) -> None:
    for body, status, code in BAD:
        answer = adjust(chief, ada.user_id, **body)
        assert (answer.status_code, error_code(answer)) == (status, code), body
    assert (worker.inbox.depth(), audited(worker.engine)) == (0, [])


def test_whose_score_it_is_has_to_be_there(chief: Player, ada: Player, worker: WorkerState) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    assert error_code(adjust(chief, "ada")) == "validation_failed"
    assert error_code(adjust(chief, nobody)) == "not_found"
    with worker.engine.begin() as connection:
        erasure.erase(connection, ada.user_id, b"a secret", ada_erased_at(connection))
    assert error_code(adjust(chief, ada.user_id)) == "not_found"
    assert (worker.inbox.depth(), audited(worker.engine)) == (0, [])


def ada_erased_at(connection: Any) -> Any:  # noqa: ANN401
    return connection.scalar(text("SELECT now()"))


def test_only_admins_adjust_and_nobody_claims_a_boards_own_action(
    client: FlaskClient, chief: Player, ada: Player, worker: WorkerState
) -> None:
    assert error_code(adjust(ada, ada.user_id)) == "forbidden"
    body = {"board": "main", "amount": 1, "reason": WHY, "idempotencyKey": "a-key-of-ours"}
    assert error_code(client.post(f"/api/admin/users/{ada.user_id}/adjust", json=body)) == "token_missing"
    adjust(chief, ada.user_id, prefer="respond-async")
    drain_completely(worker)  # from here on the action is in the catalogue
    client.application.extensions["scoreboard"].catalogue.expire()

    assert error_code(ada.update("adjust-main")) == "unknown_action"
    settings = client.application.extensions["scoreboard"].settings
    scopes = Permissions(scopes=frozenset(Scope))
    server = game_server(client, worker.engine, settings.secret_keys[0], scopes)
    for own in ("adjust-main", "enrol-main"):
        (refused,) = server.send(item(ada.user_id, own, value=5)).get_json()["refused"]
        assert refused["code"] == "unknown_action"
    path = f"/api/admin/users/{ada.user_id}/adjust"
    assert server.post(path, body).status_code == 401, "an API key is no admin"
    assert len(events(worker.engine)) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("closes_at = now() - interval '1 hour'", "board_closed"),
        ("archived_at = now() - interval '1 hour'", "board_closed"),
        ("opens_at = now() + interval '1 hour'", "board_not_open"),
    ],
)
@pytest.mark.usefixtures("boards")
def test_a_board_that_takes_no_update_takes_no_adjustment_and_the_key_stays_good(
    chief: Player, ada: Player, worker: WorkerState, change: str, code: str
) -> None:
    def change_board(assignment: str) -> None:
        with worker.engine.begin() as connection:
            connection.execute(text(f"UPDATE boards SET {assignment} WHERE id = 'games'"))  # noqa: S608 - of the test
            catalogue.count_change(connection)
        for known in (worker.catalogue, chief.client.application.extensions["scoreboard"].catalogue):
            known.expire()

    change_board(change)
    assert error_code(adjust(chief, ada.user_id, board="games")) == code
    assert (worker.inbox.depth(), audited(worker.engine)) == (0, [])
    change_board("opens_at = NULL, closes_at = NULL, archived_at = NULL")
    assert adjust(chief, ada.user_id, board="games", prefer="respond-async").status_code == 202
    drain_completely(worker)
    assert standings(worker.engine, "games") == [(-20, 0, False)]


@pytest.mark.usefixtures("draining")
def test_a_suspended_players_score_is_adjusted_and_stays_off_the_board(
    chief: Player, ada: Player, worker: WorkerState
) -> None:
    ada.update()
    chief.client.post(f"/api/admin/users/{ada.user_id}/suspend", json={}, headers=chief.headers)
    assert adjust(chief, ada.user_id).status_code == 200
    assert standings(worker.engine) == [(5, 0, True)]
    assert worker.verifier.check([ada.user_id]) == []


@pytest.mark.usefixtures("draining")
def test_a_total_beyond_the_exact_integers_is_refused_and_changes_nothing(
    chief: Player, ada: Player, worker: WorkerState
) -> None:
    ada.update()
    answer = adjust(chief, ada.user_id, amount=GREATEST_SCORE)
    assert (answer.status_code, error_code(answer)) == (400, "score_out_of_range")
    assert standings(worker.engine) == [(25, 0, False)]


def test_without_waiting_the_admin_is_told_where_the_outcome_is(
    chief: Player, ada: Player, worker: WorkerState
) -> None:
    answer = adjust(chief, ada.user_id, prefer="respond-async")
    assert answer.status_code == 202
    address = answer.get_json()["statusUrl"]
    drain_completely(worker)
    told = chief.client.get(address, headers=chief.headers).get_json()
    assert (told["status"], told["update"]["points"]) == ("applied", -20)
    assert ada.client.get(address, headers=ada.headers).status_code == 200, "it is ada's own"
    grace = register(ada.client, "grace")
    assert error_code(grace.client.get(address, headers=grace.headers)) == "user_mismatch"


def test_a_key_is_good_for_one_adjustment_of_one_amount_whether_redis_remembers_it_or_not(
    chief: Player, ada: Player, worker: WorkerState
) -> None:
    adjust(chief, ada.user_id, prefer="respond-async")
    for _ in range(2):
        assert error_code(adjust(chief, ada.user_id, amount=-21)) == "idempotency_key_reused"
        drain_completely(worker)
    worker.redis.flushdb()
    assert adjust(chief, ada.user_id, prefer="respond-async").status_code == 202
    drain_completely(worker)
    assert len(events(worker.engine)) == len(audited(worker.engine)) == 1


@pytest.mark.usefixtures("draining")
def test_an_operator_adjusts_from_the_command_line(command_line: CommandLine, ada: Player, worker: WorkerState) -> None:
    ada.update()
    asked = ("players", "adjust", "ada", "--board", "main", "--amount", "-20", "--reason", WHY)
    for _ in range(2):
        done = command_line(*asked, "--key", "a-key-of-ours")
        assert (done.returncode, done.stdout) == (0, "ada: -20 on main: applied; its key is a-key-of-ours\n"), (
            done.stderr
        )
    assert events(worker.engine)[1:] == [("adjust-main", -20, 0, None, "command line")]
    (row,) = audited(worker.engine)
    assert (row.actor, row.details["reason"]) == ("command line", WHY)

    for more, code, says in [
        (("--key", "short"), 2, "must be 8 to 64"),
        (("--reason", "no"), 2, "at least 3"),
        (("--board", "nowhere"), 1, "there is no board"),
        (("--amount", "0"), 1, "must not be 0"),
        (("--amount", "-21", "--key", "a-key-of-ours"), 1, "was used for something else"),
    ]:
        refused = command_line(*asked, *more)
        assert (refused.returncode, says in refused.stderr) == (code, True), refused.stderr
    assert len(events(worker.engine)) == 2


def test_the_boards_own_actions_stand_on_no_list_and_in_no_file(
    command_line: CommandLine, chief: Player, ada: Player, worker: WorkerState
) -> None:
    before = command_line("catalogue", "export").stdout
    adjust(chief, ada.user_id, prefer="respond-async")
    drain_completely(worker)
    with worker.engine.connect() as connection:
        assert "adjust-main" in catalogue.load(connection).actions
    assert command_line("catalogue", "export").stdout == before
    listed = json.loads(command_line("actions", "list", "--json").stdout)
    assert not [action["actionId"] for action in listed if action["actionId"].startswith("adjust-")]
    assert "adjust-main" not in chief.client.get("/").text
    assert "adjust-main" not in command_line("boards", "set", "main", "--title", "Everybody").stdout
    assert command_line("actions", "set", "adjust-main", "--points", "1").returncode == 2


def test_whatever_else_is_asked_for_under_a_key_leaves_a_trace_of_its_own(chief: Player, ada: Player) -> None:
    engine = chief.client.application.extensions["scoreboard"].engine
    other = admin(chief.client, engine, "other-chief")
    with engine.begin() as connection:
        board = Board("main")
        for amount, actor in ((1, chief), (1, chief), (100, chief), (1, other)):
            wanted = Adjustment(ada.user_id, board, amount, None, WHY, "a-key-of-ours", f"admin:{actor.user_id}")
            adjustments.note(connection, wanted, audit.Actor(actor.user_id))
    traces = [(row.actor, row.details["amount"]) for row in audited(engine)]
    assert sorted(traces) == sorted([(chief.user_id, 1), (chief.user_id, 100), (other.user_id, 1)])
