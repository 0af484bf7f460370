"""The first read of a group: whoever comes while one is under way waits for it, however many they are."""

from collections.abc import Callable

from gevent.event import AsyncResult

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain.entries import BoardHead
from web.live.group import Watch

LONGEST_WAIT_SECONDS = 10.0
"""Longer than any read takes before it gives up; a reader that is killed leaves nobody waiting for ever."""


class FirstReads:
    """The reads under way in this process, by what they are for."""

    def __init__(self) -> None:
        self._under_way: dict[Watch, AsyncResult[BoardHead]] = {}

    def head(self, watch: Watch, read: Callable[[], BoardHead]) -> BoardHead:
        """Return what `read` returns, read by the first caller for all who come before it is there.

        An error is raised to all of them: a board that cannot be read is not asked for a thousand times.
        """
        under_way = self._under_way.get(watch)
        if under_way is not None:
            return _wait_for(under_way)
        mine = self._under_way[watch] = AsyncResult()
        failure: Exception = ScoreboardError(ErrorCode.DEPENDENCY_UNAVAILABLE, retry_after=1)
        try:
            top = read()
        except Exception as error:
            failure = error
            raise
        else:
            mine.set(top)
            return top
        finally:
            del self._under_way[watch]
            if not mine.ready():
                mine.set_exception(failure)


def _wait_for(under_way: "AsyncResult[BoardHead]") -> BoardHead:
    if not under_way.wait(LONGEST_WAIT_SECONDS) and not under_way.ready():
        raise ScoreboardError(ErrorCode.DEPENDENCY_UNAVAILABLE, retry_after=1)
    failure = under_way.exception
    if failure is not None:
        raise failure.with_traceback(None)  # one object for all: the traceback of each would be added to it
    top: BoardHead = under_way.get(block=False)  # type: ignore[assignment]  # it is ready, and holds no error
    return top
