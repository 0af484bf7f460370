"""The first read of a group, which all who come at once share."""

import gevent
import pytest
from gevent.event import Event

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain.entries import BoardHead
from tests.integration.live_hub.peer import ALL, head
from web.live.first_reads import FirstReads
from web.live.group import Watch


class SlowBoard:
    """A board whose reads take until the test lets them go."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.reads = 0
        self.let_go = Event()
        self._failure = failure

    def read(self) -> BoardHead:
        self.reads += 1
        self.let_go.wait()
        if self._failure:
            raise self._failure
        return head(7, 70)


def test_two_thousand_who_come_at_once_cost_one_read() -> None:
    board, first_reads = SlowBoard(), FirstReads()
    crowd = [gevent.spawn(first_reads.head, ALL, board.read) for _ in range(2000)]
    gevent.sleep(0)
    board.let_go.set()
    assert {greenlet.get(timeout=5).seq for greenlet in crowd} == {7}
    assert board.reads == 1


def test_another_list_is_read_by_itself_and_a_late_one_anew() -> None:
    board, first_reads = SlowBoard(), FirstReads()
    both = [gevent.spawn(first_reads.head, watch, board.read) for watch in (ALL, Watch("main", "all", 5))]
    gevent.sleep(0)
    board.let_go.set()
    gevent.joinall(both, timeout=5, raise_error=True)
    first_reads.head(ALL, board.read)
    assert board.reads == 3


def test_an_error_is_everybodys_and_the_next_one_reads_again() -> None:
    board, first_reads = SlowBoard(ScoreboardError(ErrorCode.REBUILDING, retry_after=1)), FirstReads()
    crowd = [gevent.spawn(_code_of, first_reads, board) for _ in range(10)]
    gevent.sleep(0)
    board.let_go.set()
    assert {greenlet.get(timeout=5) for greenlet in crowd} == {ErrorCode.REBUILDING}
    assert board.reads == 1
    assert first_reads.head(ALL, _ready().read).seq == 7


def test_a_reader_that_is_killed_leaves_nobody_waiting() -> None:
    board, first_reads = SlowBoard(), FirstReads()
    reader = gevent.spawn(first_reads.head, ALL, board.read)
    gevent.sleep(0)
    waiting = gevent.spawn(_code_of, first_reads, board)
    gevent.sleep(0)
    reader.kill()
    assert waiting.get(timeout=5) is ErrorCode.DEPENDENCY_UNAVAILABLE


def _ready() -> SlowBoard:
    board = SlowBoard()
    board.let_go.set()
    return board


def _code_of(first_reads: FirstReads, board: SlowBoard) -> ErrorCode:
    with pytest.raises(ScoreboardError) as refused:
        first_reads.head(ALL, board.read)
    return refused.value.code
