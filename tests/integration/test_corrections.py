"""Corrections: a void is as if an update had never been, a restoration brings it back, and nothing drifts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from common.contract.constants import PERIOD_NAMES
from common.domain import passwords, periods
from common.domain.boards import Board, Rule
from common.domain.corrections import Told
from common.domain.scoring import Action
from common.postgres import catalogue, checkpoint, erasure, tables, users
from common.postgres.audit import Actor
from common.services import showing
from common.services.corrections import Corrector
from common.services.disqualifying import Referee
from tests.inbox import accept, accept_at, add_action, add_users, board_of, drain_completely
from tests.integration.test_scoring_rules import add_boards
from tests.player import PASSWORD, Player, error_code, log_in
from workers import closing, maintenance
from workers.recording import Recorded
from workers.state import WorkerState

WHY = Told("scored with a modified client")
CHIEF = Actor("chief")


@pytest.fixture
def chief(web: FlaskClient, worker: WorkerState) -> Player:
    """An admin."""
    with worker.engine.begin() as connection:
        users.create(connection, "chief", passwords.hashed(PASSWORD), "admin")
    return log_in(web, "chief")


@pytest.fixture
def corrector(worker: WorkerState) -> Corrector:
    return Corrector(worker.engine, worker.board, worker.inbox)


@pytest.fixture
def referee(worker: WorkerState) -> Referee:
    return Referee(worker.engine, worker.board, worker.inbox)


@pytest.fixture
def three(worker: WorkerState) -> list[str]:
    """Three players, in the order of the board: 125, 100, 1 points."""
    ids = add_users(worker.engine, 3)
    for player, action in ((1, "win-tournament"), (0, "win-match"), (0, "win-tournament"), (2, "share")):
        accept(worker, ids[player], action)
    drain_completely(worker)
    return ids


def event_of(worker: WorkerState, user_id: str, action_id: str) -> int:
    """The id of the player's last update of an action."""
    query = "SELECT max(id) FROM score_events WHERE user_id = CAST(:user AS uuid) AND action_id = :action"
    with worker.engine.connect() as connection:
        return int(connection.execute(text(query), {"user": user_id, "action": action_id}).scalar_one())


def ties(worker: WorkerState) -> dict[tuple[str, str, str], tuple[int, int, bool]]:
    """Score, tiebreaker and whether it is hidden, of every standing that is not empty."""
    with worker.engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM standings WHERE tie <> 0")).all()
    return {(row.board_id, row.period_id, str(row.user_id)): (row.score, row.tie, row.hidden) for row in rows}


def no_drift(worker: WorkerState) -> bool:
    """Ledger, standings and Redis agree, by the checkpoint and by the whole ledger."""
    verifier = worker.verifier
    everybody = verifier.players("00000000-0000-0000-0000-000000000000")
    for _ in range(2):
        if verifier.check(everybody):
            return False
        verifier.checkpoint.reset()
    follow(worker)
    return verifier.check(everybody) == []


def follow(worker: WorkerState) -> None:
    """Bring the checkpoint to the end of the ledger."""
    worker.verifier.checkpoint.advance(worker.verifier.checkpoint.find_stable_id(), 1_000_000, 10_000)


@pytest.mark.parametrize("is_included", [False, True], ids=["after the checkpoint", "before the checkpoint"])
def test_a_void_is_as_if_the_update_had_never_been_and_a_restoration_as_if_no_void_had(
    worker: WorkerState, corrector: Corrector, three: list[str], is_included: bool
) -> None:
    """Score and tie come back: a mistaken award costs nobody their place among equals."""
    first, second, _ = three
    before = ties(worker)
    accept(worker, first, "share")  # a mistaken award: the tie moves behind that of nobody else
    drain_completely(worker)
    if is_included:
        follow(worker)
    awarded = ties(worker)
    event = event_of(worker, first, "share")

    done = corrector.void_event(event, WHY, CHIEF)
    assert (done.user_id, done.void and done.void.reason) == (first, WHY.reason)
    assert {each.key.period_id for each in done.moved} == set(periods.ids_at(datetime.now(UTC)))
    assert ties(worker) == before
    assert board_of(worker) == {first: 125, second: 100, three[2]: 1}
    assert no_drift(worker)

    assert corrector.restore_event(event, WHY, CHIEF).void is None
    assert ties(worker) == awarded
    assert board_of(worker)[first] == 126
    assert no_drift(worker)


def test_who_loses_their_last_update_leaves_every_board_and_comes_back_with_the_next(
    worker: WorkerState, corrector: Corrector, three: list[str]
) -> None:
    first, second, third = three
    corrector.void_event(event_of(worker, third, "share"), WHY, CHIEF)
    for period in periods.ids_at(datetime.now(UTC)):
        assert board_of(worker, period) == {first: 125, second: 100}
    assert no_drift(worker)
    assert worker.verifier.surplus("main", "all") == 0
    accept(worker, third, "win-match")
    drain_completely(worker)
    assert board_of(worker) == {first: 125, second: 100, third: 25}
    assert no_drift(worker)
    corrector.restore_event(event_of(worker, third, "share"), WHY, CHIEF)
    assert board_of(worker)[third] == 26
    assert no_drift(worker)


@pytest.mark.parametrize("rule", [Rule.HIGHEST, Rule.LOWEST, Rule.LATEST])
def test_where_the_kept_value_is_voided_the_next_best_stands(
    worker: WorkerState, corrector: Corrector, rule: Rule
) -> None:
    (player,) = add_users(worker.engine, 1)
    with worker.engine.begin() as connection:
        add_boards(connection, [Board("values", rule=rule, ascending=rule is Rule.LOWEST, periods=("all",))])
    for points in (5, 7, 9) if rule is not Rule.LOWEST else (9, 7, 5):
        accept(worker, player, add_action(worker, Action(f"worth-{points}", 1, points, ("values",))))
        drain_completely(worker)
    kept, next_best = ("worth-9", 7) if rule is not Rule.LOWEST else ("worth-5", 7)
    event = event_of(worker, player, kept)
    corrector.void_event(event, WHY, CHIEF)
    assert ties(worker)["values", "all", player][0] == next_best
    assert no_drift(worker)
    corrector.restore_event(event, WHY, CHIEF)
    assert ties(worker)["values", "all", player][1] == event
    assert no_drift(worker)


def test_a_repetition_changes_nothing_and_the_first_reason_stays(
    worker: WorkerState, corrector: Corrector, three: list[str]
) -> None:
    event = event_of(worker, three[0], "win-match")
    first = corrector.void_event(event, WHY, CHIEF)
    again = corrector.void_event(event, Told("another reason"), CHIEF)
    assert (again.void, again.moved) == (first.void, [])
    corrector.restore_event(event, WHY, CHIEF)
    assert corrector.restore_event(event, WHY, CHIEF).moved == []
    with worker.engine.connect() as connection:
        done = connection.execute(text("SELECT action, details FROM audit_log ORDER BY id")).all()
    assert [row.action for row in done] == ["void_events", "restore_events"]
    assert done[0].details == {"event": event, "events": 1, "amend_closed": False, "reason": WHY.reason}


def test_a_redelivery_and_a_retry_of_a_voided_update_count_nothing_and_are_answered_as_before(
    worker: WorkerState, corrector: Corrector, three: list[str]
) -> None:
    first = three[0]
    key = accept(worker, first, "win-match")
    deliveries = worker.inbox.read("dying-worker", 10)
    worker.drain.batches._record(deliveries, None)  # type: ignore[arg-type]  # and dies after COMMIT
    corrector.void_event(event_of(worker, first, "win-match"), WHY, CHIEF)
    worker.drain.batches.apply(worker.inbox.reclaim("heir", 10, 0))
    receipt = worker.inbox.receipt(first, key)
    assert receipt and receipt["status"] == "applied"
    assert receipt["entry"]["score"] == 150
    assert board_of(worker)[first] == 125
    worker.redis.flushdb()
    maintenance.repair(worker)
    accept(worker, first, "win-match", key)
    drain_completely(worker)
    assert board_of(worker)[first] == 125
    assert no_drift(worker)


def test_a_projection_that_comes_late_brings_nothing_back(
    worker: WorkerState, corrector: Corrector, three: list[str]
) -> None:
    """A worker has committed before the void, and projects after it; also of a player who has nothing else."""
    first, second, third = three
    (newcomer,) = add_users(worker.engine, 1)
    accept(worker, first, "win-match")
    accept(worker, newcomer, "win-match")
    deliveries = worker.inbox.read("slow-worker", 10)
    recorded, committed_at = worker.drain.batches._record(deliveries, None)  # type: ignore[arg-type]
    assert isinstance(recorded, Recorded)
    for player in (first, newcomer):
        corrector.void_event(event_of(worker, player, "win-match"), WHY, CHIEF)
    due = {first: 125, second: 100, third: 1}
    worker.drain.batches._project(recorded, committed_at)
    assert board_of(worker) == due
    assert worker.rebuilder.rebuild("main", "all")
    worker.drain.batches._project(recorded, committed_at)
    assert board_of(worker) == due
    assert no_drift(worker)


def test_who_dies_before_telling_redis_is_made_up_for_by_the_sweep(
    worker: WorkerState, corrector: Corrector, three: list[str]
) -> None:
    with patch.object(showing, "show_if_possible"):
        corrector.void_event(event_of(worker, three[0], "win-tournament"), WHY, CHIEF)
    assert board_of(worker)[three[0]] == 125
    maintenance.show_changes(worker)
    assert board_of(worker)[three[0]] == 25
    assert no_drift(worker)


def test_a_repair_leaves_voids_as_they_are(worker: WorkerState, corrector: Corrector, three: list[str]) -> None:
    corrector.void_event(event_of(worker, three[0], "win-tournament"), WHY, CHIEF)
    corrector.void_event(event_of(worker, three[2], "share"), WHY, CHIEF)
    due = ties(worker)
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE standings SET score = 7, hidden = false, hidden_for = 0"))
    worker.verifier.recount(three)
    for period in PERIOD_NAMES:
        worker.rebuilder.rebuild("main", periods.current(period, datetime.now(UTC)).id)
    assert ties(worker) == due
    assert board_of(worker) == {three[0]: 25, three[1]: 100}
    assert no_drift(worker)


def test_a_voided_use_uses_up_neither_a_cooldown_nor_a_limit(worker: WorkerState, corrector: Corrector) -> None:
    (player,) = add_users(worker.engine, 1)
    solve = add_action(worker, Action("solve", 1, 10, ("main",), lifetime_limit=1))
    accept(worker, player, solve)
    drain_completely(worker)
    corrector.void_event(event_of(worker, player, solve), WHY, CHIEF)
    again, once_more = (accept(worker, player, solve) for _ in range(2))
    drain_completely(worker)
    outcomes = [worker.inbox.receipt(player, key) for key in (again, once_more)]
    assert [outcome and outcome["status"] for outcome in outcomes] == ["applied", "refused"]
    assert board_of(worker) == {player: 10}
    assert no_drift(worker)


class AClosedDay:
    """A day with updates of two players that is over and closed."""

    def __init__(self, worker: WorkerState) -> None:
        self.worker = worker
        self.at = datetime.now(UTC) - timedelta(days=1)
        self.period = periods.ids_at(self.at).daily
        self.players = add_users(worker.engine, 2)
        for player, action in (
            (self.players[0], "win-tournament"),
            (self.players[0], "share"),
            (self.players[1], "share"),
        ):
            accept_at(worker, player, self.at, action)
        drain_completely(worker)

    def close(self) -> None:
        closing.close_ended(self.worker)
        assert self.row().closed_at

    def row(self) -> Any:  # noqa: ANN401 - a row
        with self.worker.engine.connect() as connection:
            of_day = tables.periods.select().where(tables.periods.c.period_id == self.period)
            return connection.execute(of_day).one()

    def scores(self) -> dict[str, int]:
        shown = board_of(self.worker, self.period)
        listed = {user: score for (_, period, user), (score, _, hidden) in ties(self.worker).items()
                  if period == self.period and not hidden}  # fmt: skip
        assert shown == listed
        return shown

    def snapshots(self) -> list[list[int]]:
        """The scores of each stored snapshot, the oldest first."""
        closing.store_final_snapshots(self.worker)
        with self.worker.engine.connect() as connection:
            of_day = tables.snapshots.select().where(tables.snapshots.c.period_id == self.period)
            rows = connection.execute(of_day.order_by(tables.snapshots.c.taken_at)).all()
        return [[entry["score"] for entry in row.entries] for row in rows]


@pytest.fixture
def day(worker: WorkerState) -> Iterator[AClosedDay]:
    yield AClosedDay(worker)


def test_a_closed_period_stays_final_unless_told_and_one_that_is_amended_has_a_new_revision(
    worker: WorkerState, corrector: Corrector, day: AClosedDay
) -> None:
    first, second = day.players
    day.close()
    event = event_of(worker, first, "win-tournament")
    assert day.snapshots() == [[101, 1]]
    corrector.void_event(event, WHY, CHIEF)
    assert board_of(worker) == {first: 1, second: 1}
    assert day.scores() == {first: 101, second: 1}
    assert day.row().revision == 1
    assert no_drift(worker)

    corrector.void_event(event, WHY._replace(amends=True), CHIEF)
    assert day.scores() == {first: 1, second: 1}
    assert (day.row().revision, day.row().snapshot_due) == (2, True)
    assert day.snapshots() == [[101, 1], [1, 1]]
    assert no_drift(worker)
    with worker.engine.connect() as connection:
        (row,) = connection.execute(text("SELECT * FROM audit_log WHERE action = 'amend_period'")).all()
    assert (row.actor, row.subject) == ("chief", "main")
    assert row.details == {"period": day.period, "revision": 2, "reason": WHY.reason}

    corrector.restore_event(event, WHY._replace(amends=None), CHIEF)
    assert day.scores() == {first: 101, second: 1}
    assert day.row().revision == 3
    assert day.snapshots() == [[101, 1], [1, 1], [101, 1]]
    assert no_drift(worker)


def test_a_period_that_is_closed_while_an_update_is_void_stays_without_it_unless_told(
    worker: WorkerState, corrector: Corrector, day: AClosedDay
) -> None:
    first, second = day.players
    event = event_of(worker, first, "win-tournament")
    corrector.void_event(event, WHY, CHIEF)
    day.close()
    corrector.restore_event(event, WHY._replace(amends=None), CHIEF)
    assert board_of(worker) == {first: 101, second: 1}
    assert (day.scores(), day.row().revision) == ({first: 1, second: 1}, 1)
    assert no_drift(worker)
    for amends, due in ((False, 1), (None, 1), (True, 101)):
        corrector.void_event(event, WHY, CHIEF)
        assert day.scores() == {first: 1, second: 1}
        assert no_drift(worker)
        corrector.restore_event(event, WHY._replace(amends=amends), CHIEF)
        assert day.scores() == {first: due, second: 1}
        assert no_drift(worker)
    assert day.row().revision == 2


def test_which_came_first_decides_whatever_the_clocks_say(
    worker: WorkerState, corrector: Corrector, day: AClosedDay
) -> None:
    """The clock that closes is Redis' and may be behind that of PostgreSQL, or ahead of it."""
    first, second = day.players
    event = event_of(worker, first, "share")
    corrector.void_event(event, WHY, CHIEF)
    behind = datetime.fromisoformat(day.period).replace(tzinfo=UTC) + timedelta(days=1)
    assert day.period in {closed.period_id for closed in closing.close_ended(worker, behind)}
    assert day.scores() == {first: 100, second: 1}
    assert no_drift(worker)
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE periods SET closed_at = now() + interval '1 hour' WHERE closed_at IS NOT NULL"))
    corrector.void_event(event_of(worker, first, "win-tournament"), WHY, CHIEF)
    assert day.scores() == {first: 100, second: 1}
    assert no_drift(worker)


def test_a_player_who_is_off_a_board_is_off_it_with_what_they_score_later_and_comes_back_with_everything(
    worker: WorkerState, referee: Referee, corrector: Corrector, three: list[str]
) -> None:
    first, second, third = three
    why = referee.disqualify("main", first, WHY, CHIEF)
    assert why
    assert referee.disqualify("main", first, Told("another reason"), CHIEF) == why
    assert board_of(worker) == {second: 100, third: 1}
    (newcomer,) = add_users(worker.engine, 1)
    referee.disqualify("main", newcomer, WHY, CHIEF)
    for player in (first, newcomer):
        accept(worker, player, "win-match")
    drain_completely(worker)
    assert board_of(worker) == {second: 100, third: 1}
    assert no_drift(worker)
    with worker.engine.begin() as connection:
        connection.execute(text("DELETE FROM standings"))
    worker.verifier.recount([*three, newcomer])
    worker.rebuilder.rebuild("main", "all")
    assert board_of(worker) == {second: 100, third: 1}, "a repair knows it, too"
    for player in (first, newcomer):
        assert referee.requalify("main", player, WHY, CHIEF) is None
    assert board_of(worker) == {first: 150, second: 100, newcomer: 25, third: 1}


def test_a_standing_that_is_empty_and_off_its_board_comes_back_when_both_have_ended(
    worker: WorkerState, referee: Referee, corrector: Corrector, three: list[str]
) -> None:
    third = three[2]
    event = event_of(worker, third, "share")
    referee.disqualify("main", third, WHY, CHIEF)
    corrector.void_event(event, WHY, CHIEF)
    referee.requalify("main", third, WHY, CHIEF)
    assert third not in board_of(worker)
    referee.disqualify("main", third, WHY, CHIEF)
    corrector.restore_event(event, WHY, CHIEF)
    assert third not in board_of(worker)
    referee.requalify("main", third, WHY, CHIEF)
    assert board_of(worker)[third] == 1
    assert no_drift(worker)


def test_a_closed_period_keeps_a_player_who_is_off_the_board_unless_told(
    worker: WorkerState, referee: Referee, day: AClosedDay
) -> None:
    first, second = day.players
    day.close()
    referee.disqualify("main", first, WHY, CHIEF)
    assert board_of(worker) == {second: 1}
    assert (day.scores(), day.row().revision) == ({first: 101, second: 1}, 1)
    referee.disqualify("main", first, WHY._replace(amends=True), CHIEF)
    assert (day.scores(), day.row().revision) == ({second: 1}, 2)
    referee.requalify("main", first, WHY._replace(amends=None), CHIEF)
    assert (day.scores(), day.row().revision) == ({first: 101, second: 1}, 3)
    assert day.snapshots() == [[101, 1], [101, 1]], "as it was closed, and as it was amended last"
    assert no_drift(worker)


def test_what_an_admin_sends_is_carried_out_and_told(
    web: FlaskClient, chief: Player, worker: WorkerState, three: list[str]
) -> None:
    first, second, third = three

    def post(path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        answer = web.post(f"/api/admin/{path}", json=body, headers=chief.headers)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    event = event_of(worker, first, "win-tournament")
    voided = post(f"events/{event}/void", {"reason": WHY.reason})
    assert (voided["eventId"], voided["userId"], voided["void"]["reason"]) == (str(event), first, WHY.reason)
    of_all = {"board": "main", "period": "all", "scoreBefore": 125, "scoreAfter": 25}
    assert of_all in voided["standings"]
    assert post(f"events/{event}/restore", {"reason": WHY.reason})["void"] is None

    span = {"from": "2026-01-01T00:00:00Z", "to": "2026-12-31T00:00:00Z", "reason": WHY.reason}
    foreseen = post(f"users/{first}/void", {**span, "dryRun": True})
    assert (foreseen["dryRun"], foreseen["events"]) == (True, 2)
    gone = {"scoreBefore": 125, "scoreAfter": None, "rankBefore": 1, "rankAfter": None}
    assert {"board": "main", "period": "all", **gone} in foreseen["standings"]
    of_one = post(f"users/{first}/void", {**span, "dryRun": True, "actionId": "win-tournament"})
    fallen = {"scoreBefore": 125, "scoreAfter": 25, "rankBefore": 1, "rankAfter": 2}
    assert {"board": "main", "period": "all", **fallen} in of_one["standings"]
    assert board_of(worker)[first] == 125
    assert post(f"users/{first}/void", span)["events"] == 2
    assert board_of(worker) == {second: 100, third: 1}
    assert post(f"users/{first}/void", span)["events"] == 0
    assert post(f"users/{first}/restore", span)["events"] == 2

    off = post("boards/main/disqualify", {"userId": first, "reason": WHY.reason})
    assert (off["board"], off["user"]["userId"], off["disqualified"], off["reason"]) == (
        "main",
        first,
        True,
        WHY.reason,
    )
    assert post("boards/main/requalify", {"userId": first, "reason": WHY.reason})["disqualified"] is False
    assert board_of(worker)[first] == 125
    assert no_drift(worker)


BAD: dict[str, tuple[str, dict[str, object], int, str]] = {
    "no reason": ("events/{event}/void", {}, 400, "validation_failed"),
    "a reason too short": ("events/{event}/void", {"reason": "no"}, 400, "validation_failed"),
    "an unknown field": ("events/{event}/void", {"reason": "a try", "amend": True}, 400, "validation_failed"),
    "an unknown event": ("events/999999/void", {"reason": "a try"}, 404, "not_found"),
    "no number of an event": ("events/nothing/restore", {"reason": "a try"}, 404, "not_found"),
    "a refused update": ("events/{refused}/void", {"reason": "a try"}, 409, "nothing_to_void"),
    "a refused update again": ("events/{refused}/restore", {"reason": "a try"}, 409, "nothing_to_void"),
    "from after to": ("users/{user}/void", {"from": "2026-02-01T00:00:00Z"}, 400, "validation_failed"),
    "a span too long": ("users/{user}/void", {"from": "2024-12-31T00:00:00Z"}, 400, "validation_failed"),
    "an instant in words": ("users/{user}/void", {"from": "yesterday"}, 400, "validation_failed"),
    "Unix time": ("users/{user}/void", {"from": 1767225600}, 400, "validation_failed"),
    "an action that never was": ("users/{user}/void", {"actionId": "nothing"}, 400, "unknown_action"),
    "an unknown user": ("users/3f2b8c1e-5d4a-4c3b-9a2e-7f6d5c4b3a21/void", {"dryRun": True}, 404, "not_found"),
    "no id of a user": ("users/ada/void", {}, 400, "validation_failed"),
    "an unknown board": ("boards/nothing/disqualify", {"userId": "{user}", "reason": "a try"}, 404, "not_found"),
    "nobody": (
        "boards/main/requalify",
        {"userId": "3f2b8c1e-5d4a-4c3b-9a2e-7f6d5c4b3a21", "reason": "a try"},
        400,
        "unknown_user",
    ),
}


def test_bad_input_is_refused_and_changes_nothing(
    web: FlaskClient, chief: Player, worker: WorkerState, three: list[str]
) -> None:
    user = three[0]
    accept(worker, user, add_action(worker, Action("once", 1, 1, ("main",), lifetime_limit=1)))
    accept(worker, user, "once")
    drain_completely(worker)
    before = ties(worker)
    names = {"user": user, "event": event_of(worker, user, "win-match"), "refused": event_of(worker, user, "once")}
    for name, (path, given, status, code) in BAD.items():
        body = {key: value.format(**names) if isinstance(value, str) else value for key, value in given.items()}
        if path.startswith("users"):
            body = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "reason": "a try", **body}
        answer = web.post(f"/api/admin/{path.format(**names)}", json=body, headers=chief.headers)
        assert answer.status_code == status, (name, answer.text)
        assert error_code(answer) == code, name
    assert ties(worker) == before
    with worker.engine.connect() as connection:
        assert connection.execute(text("SELECT FROM voids")).all() == []
        assert connection.execute(text("SELECT FROM audit_log")).all() == []


def test_whoever_is_no_admin_corrects_nothing(web: FlaskClient, worker: WorkerState, three: list[str]) -> None:
    event = event_of(worker, three[0], "win-match")
    answer = web.post(f"/api/admin/events/{event}/void", json={"reason": "a try"})
    assert error_code(answer) == "token_missing"


def test_a_player_with_very_many_updates_is_left_to_the_command_line(
    web: FlaskClient, chief: Player, worker: WorkerState, three: list[str]
) -> None:
    with patch("common.postgres.voids.MOST_EVENTS", 1):
        for path in (f"events/{event_of(worker, three[0], 'win-match')}/void", f"users/{three[0]}/void"):
            body = {"reason": "a try"} if path.startswith("events") else {
                "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "reason": "a try"
            }  # fmt: skip
            answer = web.post(f"/api/admin/{path}", json=body, headers=chief.headers)
            assert (answer.status_code, error_code(answer)) == (409, "too_many_events")


def test_a_period_is_closed_after_who_was_taken_off_before_whatever_the_clocks_say(
    worker: WorkerState, referee: Referee, day: AClosedDay
) -> None:
    referee.disqualify("main", day.players[0], WHY, CHIEF)
    with worker.engine.begin() as connection:
        connection.execute(text("UPDATE disqualifications SET at = at + interval '1 hour'"))
        at = connection.execute(text("SELECT at FROM disqualifications")).scalar_one()
    day.close()
    assert day.row().closed_at >= at


def test_a_redelivery_shows_all_boards_that_the_update_counted_on_though_its_action_has_changed(
    worker: WorkerState,
) -> None:
    with worker.engine.begin() as connection:
        add_boards(connection, [Board("laps", periods=("all",))])
    (player,) = add_users(worker.engine, 1)
    lap = add_action(worker, Action("lap", 1, 10, ("laps",)))
    accept(worker, player, lap)
    worker.drain.batches._record(worker.inbox.read("dying-worker", 10), None)  # type: ignore[arg-type]  # and dies
    add_action(worker, Action("lap", 2, 10, ("main",)))
    worker.drain.batches.apply(worker.inbox.reclaim("heir", 10, 0))
    assert worker.board.states({("laps", "all"): [player]})["laps", "all"] is not None
    assert no_drift(worker)


def test_a_repair_and_a_purge_wait_for_rows_that_the_checkpoint_takes_in(worker: WorkerState, three: list[str]) -> None:
    with worker.engine.begin() as advancing:
        checkpoint.hold(advancing)
        with pytest.raises(OperationalError):
            worker.verifier.recount(three)
        with pytest.raises(OperationalError), worker.engine.begin() as connection:
            erasure.purge(connection, three[0])
    worker.verifier.recount(three)


def test_an_action_that_cannot_be_read_yet_is_not_taken_for_unknown(worker: WorkerState) -> None:
    (player,) = add_users(worker.engine, 1)
    worker.catalogue.current()
    with worker.engine.begin() as connection:
        catalogue.add(connection, Action("quite-new", 1, 5, ("main",)), enabled=True)
    accept(worker, player, "quite-new")
    away = create_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none")
    with patch.object(worker.catalogue, "_engine", away), pytest.raises(OperationalError):
        worker.drain.run()
    drain_completely(worker)
    assert board_of(worker) == {player: 5}
