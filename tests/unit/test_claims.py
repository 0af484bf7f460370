"""Which claims fit an action, and which are the same claim once more."""

from datetime import UTC, datetime
from typing import Any

import pytest

from common.contract.errors import ErrorCode
from common.domain import claims, outcomes
from common.domain.boards import Board, Rule, SecondScore
from common.domain.ledger_row import OPERATOR, PLAYER, LedgerRow, source_of_admin
from common.domain.outcomes import Outcome
from common.domain.scoring import Action, ClaimedBy, Kind, adjustment_of, enrolment_of

USER, KEY, API_KEY = "3f2b8c1e-5d4a-4c3b-9a2e-7f6d5c4b3a21", "a-key-of-ours", "sbk_00000000000000000000"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BOARDS = {"main": Board("main"), "rounds": Board("rounds", second=SecondScore(ascending=True))}
ROUND = Action("round", 1, 0, ("main", "rounds"), kind=Kind.VALUE, value_max=9, claimed_by=ClaimedBy.SERVER)


def code(action: Action, source: str | None, value: int | None = None, second: int | None = None) -> ErrorCode | None:
    problem = claims.problem_of(action, BOARDS, source, value, second)
    return problem.code if problem else None


@pytest.mark.parametrize(
    ("claimed_by", "by_player", "by_server"),
    [
        (ClaimedBy.BOTH, None, None),
        (ClaimedBy.PLAYER, None, ErrorCode.ACTION_NOT_ALLOWED),
        (ClaimedBy.SERVER, ErrorCode.SERVER_ACTION, None),
        (ClaimedBy.ADMIN, ErrorCode.UNKNOWN_ACTION, ErrorCode.UNKNOWN_ACTION),
    ],
)
def test_an_action_says_who_may_claim_it(
    claimed_by: ClaimedBy, by_player: ErrorCode | None, by_server: ErrorCode | None
) -> None:
    action = Action("share", 1, 1, ("main",), claimed_by=claimed_by)
    assert (code(action, PLAYER), code(action, API_KEY)) == (by_player, by_server)
    unsaid = ErrorCode.UNKNOWN_ACTION if claimed_by is ClaimedBy.ADMIN else None
    assert code(action, None) is unsaid, "the version before did not say who sent an update"


def test_a_value_goes_with_an_action_of_values_and_stays_within_its_bounds() -> None:
    share = Action("share", 1, 1, ("main",))
    assert code(ROUND, API_KEY) is code(share, API_KEY, 1) is ErrorCode.VALIDATION_FAILED
    assert code(ROUND, API_KEY, 10) is ErrorCode.VALUE_OUT_OF_RANGE
    assert code(ROUND, API_KEY, 9, 1) is code(ROUND, API_KEY, -(2**53) + 1) is code(share, API_KEY) is None
    assert code(share, API_KEY, second=0) is ErrorCode.VALIDATION_FAILED
    assert (claims.points_of(ROUND, 9), claims.points_of(share, None)) == (9, 1)


def row(refusal: str | None) -> LedgerRow:
    row = LedgerRow(1, USER, KEY, "round", 1, 9, None, 0, NOON, NOON, NOON, counts_towards_limits=False)
    return row._replace(points=0, refusal=refusal) if refusal else row._replace(second=7)


COUNTED = row(None)
REFUSED = row("value_out_of_range")
PENDING = outcomes.accepted(USER, "round", KEY, "nonce", value=9, second=7)
OF_BEFORE = outcomes.accepted(USER, "round", KEY, "nonce")


@pytest.mark.parametrize(
    "known", [COUNTED, outcomes.recorded(COUNTED, "ada", 1, 0), PENDING], ids=["row", "told", "new"]
)
@pytest.mark.parametrize(
    ("claim", "is_same"),
    [
        (("round", 9, 7), True),
        (("round", None, 7), True),
        (("round", 8, 7), False),
        (("round", 9, 8), False),
        (("round", 9, None), False),
        (("share", 9, 7), False),
    ],
)
def test_a_claim_is_repeated_by_the_same_action_and_values(
    known: Outcome | LedgerRow, claim: tuple[Any, ...], is_same: bool
) -> None:
    assert claims.is_repetition(known, *claim) is is_same


@pytest.mark.parametrize("known", [REFUSED, outcomes.recorded(REFUSED, "ada", None, None), OF_BEFORE])
def test_what_tells_no_value_is_repeated_by_any(known: Outcome | LedgerRow) -> None:
    assert claims.is_repetition(known, "round", 8, 8)
    assert not claims.is_repetition(known, "share")


@pytest.mark.parametrize(
    ("source", "may_adjust", "may_enrol"),
    [
        (source_of_admin("3f2b8c1e-5d4a-4c3b-9a2e-7f6d5c4b3a21"), True, True),
        (OPERATOR, True, True),
        (API_KEY, False, True),
        (PLAYER, False, False),
        (None, False, False),
    ],
)
def test_a_boards_own_actions_are_of_admins_and_enrolments_of_game_servers_too(
    source: str | None, may_adjust: bool, may_enrol: bool
) -> None:
    for own, may in ((adjustment_of(Board("main")), may_adjust), (enrolment_of(Board("main")), may_enrol)):
        assert own is not None
        problem = claims.problem_of(own, {}, source, 0, None)
        assert (problem is None) is may


@pytest.mark.parametrize("rule", [Rule.HIGHEST, Rule.LOWEST, Rule.LATEST])
def test_a_board_that_adds_nothing_up_has_no_actions_of_its_own(rule: Rule) -> None:
    board = Board("laps", rule=rule, ascending=rule is Rule.LOWEST)
    assert (adjustment_of(board), enrolment_of(board)) == (None, None)
