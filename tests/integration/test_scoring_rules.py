"""The five rules: the fold of a batch, the merge into PostgreSQL and the recount of the ledger are one operation."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from common.contract.constants import ALL_TIME
from common.domain import parts as rules_in_python
from common.domain.boards import Board, Rule, SecondScore
from common.domain.parts import Event, Part, Reserved
from common.domain.scoring import fold
from common.domain.standing import StandingKey
from common.postgres import checkpoint, parts, recounts, tables, voids
from common.services import verification
from tests.inbox import add_users
from tests.integration.test_lean_batches import noted_statements
from workers.state import WorkerState

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RECORDED_AT = datetime(2026, 11, 23, 13, tzinfo=UTC)
SECONDS = {"none": None, "up": SecondScore(ascending=True), "down": SecondScore(ascending=False)}
BOARDS = {
    board.id: board
    for rule in Rule
    for name, second in SECONDS.items()
    for board in [Board(f"{rule}-{name}", rule=rule, ascending=rule is Rule.LOWEST, second=second, periods=("all",))]
}
USERS = ["00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"]

ADDING = tuple(board.id for board in BOARDS.values() if board.rule in rules_in_python.ADDING)
ACTIONS = {None: "anything", Reserved.ADJUSTMENT: "adjust-many", Reserved.ENROLMENT: "enrol-many"}

STANDINGS = "(SELECT * FROM standings WHERE NOT hidden) AS shown"

happenings = st.lists(
    st.tuples(
        *(st.sampled_from(USERS), st.integers(-2, 2), st.integers(-1, 1), st.integers(0, 2)),
        st.sampled_from([None, None, *Reserved]),
    ),
    min_size=1,
    max_size=8,
)
"""Who, what value, what second score, when by the client's clock, and whether by an action of the board's own."""


@pytest.fixture
def catalogued(worker: WorkerState) -> WorkerState:
    """The worker, whose database has these boards and an action of values that feeds all of them."""
    with worker.engine.begin() as connection:
        add_boards(connection, list(BOARDS.values()))
        action = {"id": "anything", "version": 1, "points": 0, "boards": list(BOARDS), "kind": "value"}
        connection.execute(tables.actions.insert(), {**action, "claimed_by": "server"})
        for own in (ACTIONS[Reserved.ADJUSTMENT], ACTIONS[Reserved.ENROLMENT]):
            row = {**action, "id": own, "boards": list(ADDING), "claimed_by": "admin"}
            connection.execute(tables.actions.insert(), row)
        names = [{"id": user, "username": user, "username_key": user, "role": "player"} for user in USERS]
        connection.execute(tables.users.insert(), names)
    return worker


def add_boards(connection: Connection, boards: Sequence[Board]) -> None:
    rows = [
        {
            "id": board.id, "rule": board.rule, "ascending": board.ascending, "periods": list(board.periods),
            "second": board.second and {"ascending": board.second.ascending, "label": "", "format": {}},
        }
        for board in boards
    ]  # fmt: skip
    connection.execute(tables.boards.insert(), rows)


Happening = tuple[str, int, int, int] | tuple[str, int, int, int, Reserved | None]


def events_of(happened: Sequence[Happening]) -> list[Event]:
    return [_event(n, each) for n, each in enumerate(happened, start=1)]


def _event(n: int, happening: Happening) -> Event:
    user, value, second, at, reserved = (*happening, None)[:5]
    if reserved is Reserved.ENROLMENT:
        value, second = 0, 0
    boards = ADDING if reserved else tuple(BOARDS)
    return Event(n, user, value, boards, NOON, second, NOON + timedelta(milliseconds=at), reserved)


def record(connection: Connection, events: Sequence[Event], *, with_refused: bool = True) -> None:
    """Write the ledger rows of these events, and one that was refused."""
    columns = ("action_version", "score_after", "accepted_at", "recorded_at")
    same = dict(zip(columns, (1, 0, NOON, RECORDED_AT), strict=True))
    rows = [
        {
            **same, "id": each.ledger_id, "user_id": each.user_id, "idempotency_key": f"key-{each.ledger_id}",
            "action_id": ACTIONS[each.reserved], "points": each.points, "second": each.second,
            "occurred_at": each.occurred_at, "refusal": None,
        }
        for each in events
    ]  # fmt: skip
    refused = {**rows[0], "id": 99, "idempotency_key": "refused", "points": 0, "second": 0, "refusal": "board_closed"}
    connection.execute(tables.score_events.insert(), [*rows, refused] if with_refused else rows)


def parts_in(connection: Connection, source: str, statement: str = "", **values: object) -> dict[StandingKey, Part]:
    """Parts by standing, as a table has them, or as a name that the statement gives."""
    rows = connection.execute(text(f"{statement} SELECT * FROM {source}"), values)  # noqa: S608 - the test's own text
    return {
        StandingKey(row.board_id, row.period_id, str(row.user_id)): Part(row.score, row.tie, row.second, row.decided_at)
        for row in rows
    }


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happened=happenings, shuffled=st.randoms(use_true_random=False), data=st.data())
def test_fold_merge_and_recount_agree_in_any_order_with_any_borders(
    catalogued: WorkerState, happened: list[Happening], shuffled: object, data: st.DataObject
) -> None:
    events = events_of(happened)
    due = fold(events, BOARDS)
    arriving = list(events)
    shuffled.shuffle(arriving)  # type: ignore[attr-defined]  # hypothesis hands out a random.Random
    cuts = data.draw(st.lists(st.integers(0, len(events)), max_size=3).map(sorted), label="borders of batches")
    upto = data.draw(st.integers(0, len(events)), label="the ledger's checkpoint")
    with catalogued.engine.connect() as connection:
        for start, end in pairwise([0, *cuts, len(events)]):
            parts.merge(connection, fold(arriving[start:end], BOARDS), BOARDS, RECORDED_AT)
        assert parts_in(connection, "standings") == due

        record(connection, events)
        for after, to in ((0, upto // 2), (upto // 2, upto)):
            checkpoint.include(connection, after, to)
        recount = {"users": USERS, "after": upto, "to": 99}
        assert parts_in(connection, "due", verification._DUE, **recount) == due
        connection.execute(verification._RECOUNT, recount)
        assert {row.version for row in connection.execute(text("SELECT version FROM standings"))} <= {*range(1, 9)}
        assert parts_in(connection, "standings") == due


acts = st.lists(
    st.tuples(st.sampled_from(["merge", "void", "restore", "include"]), st.integers(0, 7)), min_size=4, max_size=14
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happened=happenings, acts=acts)
def test_fold_merge_and_recount_agree_with_voids_and_restorations_in_between(
    catalogued: WorkerState, happened: list[Happening], acts: list[tuple[str, int]]
) -> None:
    """A standing that loses its last event is empty, and the next one that counts makes it anew, under every rule."""
    waiting = dict(enumerate(events_of(happened)))
    recorded: dict[int, Event] = {}
    gone: set[int] = set()
    at = 0
    with catalogued.engine.connect() as connection:
        for act, number in [*acts, *(("merge", n) for n in range(8))]:
            of_third = [each for each in recorded if each % 3 == number % 3]
            if act == "merge" and number in waiting:
                event = waiting.pop(number)
                parts.merge(connection, fold([event], BOARDS), BOARDS, RECORDED_AT)
                record(connection, [event], with_refused=False)
                recorded[event.ledger_id] = event
            elif act == "void" and of_third:
                changed = voids.add(connection, of_third, actor="a test", reason="", amends=False)
                assert set(changed) == set(of_third) - gone
                gone.update(of_third)
                recount(connection, changed, at)
            elif act == "restore" and of_third:
                changed = voids.remove(connection, of_third, amends=None)
                assert set(changed) == set(of_third) & gone
                gone.difference_update(of_third)
                recount(connection, changed, at)
            elif act == "include":
                upto = next(n for n in range(10) if n + 1 not in recorded)
                checkpoint.include(connection, at, upto)
                at = upto
            counting = [each for each in recorded.values() if each.ledger_id not in gone]
            due = fold(counting, BOARDS)
            assert parts_in(connection, STANDINGS) == due
            assert parts_in(connection, "ledger_totals") == fold([e for e in counting if e.ledger_id <= at], BOARDS)
        assert parts_in(connection, "due", verification._DUE, users=USERS, after=at, to=99) == due
        connection.execute(text("UPDATE standings SET score = 77"))
        connection.execute(verification._RECOUNT, {"users": USERS, "after": at, "to": 99})
        assert parts_in(connection, STANDINGS) == due


def recount(connection: Connection, event_ids: list[int], at: int) -> None:
    foreseen = recounts.preview(connection, USERS, event_ids)
    assert recounts.recount(connection, USERS, event_ids, at) == foreseen
    assert recounts.recount(connection, USERS, event_ids, at) == []


def test_a_part_that_is_no_better_changes_nothing_and_its_row_is_locked(catalogued: WorkerState) -> None:
    """Whoever reads the row afterwards, in the same transaction, reads what will be there at its end."""
    best, worse = events_of([(USERS[0], 2, 0, 1), (USERS[0], 1, 0, 0)])
    boards = {name: board for name, board in BOARDS.items() if name in ("highest-none", "latest-none")}
    with catalogued.engine.begin() as connection:
        assert len(parts.merge(connection, fold([best], boards), boards, RECORDED_AT)) == 2
    later = RECORDED_AT + timedelta(seconds=1)
    with catalogued.engine.begin() as connection, catalogued.engine.connect() as other:
        assert parts.merge(connection, fold([worse], boards), boards, later) == []
        free = other.execute(text("SELECT FROM standings FOR UPDATE SKIP LOCKED")).all()
        assert free == []
    with catalogued.engine.connect() as connection:
        rows = connection.execute(text("SELECT DISTINCT version, updated_at FROM standings")).all()
    assert [tuple(row) for row in rows] == [(1, RECORDED_AT)], "neither the version nor the time of the score moved"


@pytest.mark.parametrize("rule", list(Rule))
def test_a_drift_is_found_and_repaired_under_each_rule(catalogued: WorkerState, rule: Rule) -> None:
    board = f"{rule}-up"
    events = [each._replace(boards=(board,)) for each in events_of([(USERS[0], 2, 1, 0), (USERS[0], 1, 1, 1)])]
    with catalogued.engine.begin() as connection:
        parts.merge(connection, fold(events, BOARDS), BOARDS, RECORDED_AT)
        record(connection, events)
        connection.execute(text("UPDATE actions SET boards = ARRAY[:board] WHERE id = 'anything'"), {"board": board})
    assert catalogued.verifier.check(USERS) == []
    for change in ("score = 7", "second = 7", "tie = 7"):
        with catalogued.engine.begin() as connection:
            connection.execute(text(f"UPDATE standings SET {change}"))  # noqa: S608 - the test's own text
        (drift,) = catalogued.verifier.check(USERS)
        assert (drift.where, drift.key) == ("postgresql", StandingKey(board, "all", USERS[0]))
        catalogued.verifier.recount(USERS)
        assert catalogued.verifier.check(USERS) == []
        with catalogued.engine.connect() as connection:
            assert parts_in(connection, "standings") == fold(events, BOARDS)


def test_a_batch_takes_one_statement_for_each_rule_that_occurs_in_it(catalogued: WorkerState) -> None:
    events = events_of([(user, 1, 0, 0) for user in add_users(catalogued.engine, 3)])
    with catalogued.engine.begin() as connection, noted_statements(catalogued) as sent:
        rows = parts.merge(connection, fold(events, BOARDS), BOARDS, RECORDED_AT)
    assert len(sent) == len(Rule)
    places = [(BOARDS[row.key.board_id].rule, row.key) for row in rows]
    assert places == sorted(places), "rows are locked in one global order"
    assert {row.key.period_id for row in rows} == {ALL_TIME}
    assert len(rows) == 3 * len(BOARDS)
