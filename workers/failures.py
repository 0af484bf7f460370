"""Tracking of the tasks and steps that fail, so that none fails in silence.

A task that fails because a server is away is postponed; that becomes an error after twenty times in a row. Any other
failure is an error at once. Both are logged once, counted by a metric, and shown by `/readyz` as long as they last.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import kombu.exceptions
import redis
import structlog
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from common.core import metrics
from common.redis_store import failing
from common.redis_store.client import Client

log = structlog.get_logger(__name__)

STUCK_AFTER = 20
"""The number of postponements in a row after which a task is reported as an error."""

_AWAY_ERRORS = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.OutOfMemoryError,
    redis.ReadOnlyError,
    kombu.exceptions.OperationalError,
    NoConnectionError,
    ConnectionError,
    TimeoutError,
)


class NotDueError(Exception):
    """A task is not due and did nothing: it has neither failed nor succeeded."""


Item = TypeVar("Item")
Result = TypeVar("Result")


def is_away(error: Exception) -> bool:
    """Return whether a server caused the error: it cannot be reached, is too slow, or takes no writes now."""
    if isinstance(error, ExceptionGroup):
        return all(is_away(each) for each in error.exceptions)
    if isinstance(error, DBAPIError):
        return isinstance(error, OperationalError) or error.connection_invalidated
    return isinstance(error, _AWAY_ERRORS) or (
        isinstance(error, redis.ResponseError) and str(error).startswith("MISCONF")
    )


def is_unreachable(error: Exception) -> bool:
    """Return whether the next step would fail too. That is not so for a statement that exceeded its time limit."""
    answered = isinstance(error, DBAPIError) and getattr(error.orig, "pgcode", None)
    return is_away(error) and not isinstance(error, ExceptionGroup) and not answered


def try_each(items: Iterable[Item], act: Callable[[Item], Result]) -> list[Result]:
    """Call `act` for each item, also if it fails for others, and return the results.

    Errors are raised at the end, several as one ExceptionGroup. A server that cannot be reached ends the loop at once.
    """
    results: list[Result] = []
    failed: list[Exception] = []
    for item in items:
        try:
            results.append(act(item))
        except Exception as error:
            if is_unreachable(error):
                raise
            error.add_note(f"at {item}")
            failed.append(error)
    if len(failed) > 1:
        raise ExceptionGroup(f"{len(failed)} failed", failed)
    if failed:
        raise failed[0]
    return results


@dataclass
class _Failing:
    """The failures of a task or step since its last success."""

    task: str
    times: int = 0
    reason: str = ""


class FailureTracker:
    """Tracks the failures of one worker process."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._failing: dict[str, _Failing] = {}
        self._done: set[str] = set()
        """What has come to a good end in this process, so that nothing is told of it that a process before it met."""

    @contextmanager
    def track_task(self, name: str) -> Iterator[None]:
        """Log and count any error of the task in this block, and suppress it."""
        with self._attempt(name, name):
            yield
            if not any(row.task == name and at != name for at, row in self._failing.items()):
                metrics.TASK_SUCCESS.labels(name).set_to_current_time()

    @contextmanager
    def track_step(self, task: str, name: str) -> Iterator[None]:
        """Do the same for a step of a task, so that the next step runs, unless a server cannot be reached."""
        with self._attempt(task, f"{task}: {name}", passes_on=is_unreachable):
            yield

    @contextmanager
    def _attempt(
        self, task: str, name: str, passes_on: Callable[[Exception], bool] = lambda _: False
    ) -> Iterator[None]:
        try:
            yield
        except NotDueError:
            return
        except Exception as error:  # no error may end the worker
            if passes_on(error):
                raise
            self._note(task, name, error)
        else:
            self._forget(name)

    def _note(self, task: str, name: str, error: Exception) -> None:
        row = self._failing.setdefault(name, _Failing(task))
        row.times += 1
        reason = _reason_of(error)
        if is_away(error):
            metrics.TASK_POSTPONED.labels(task).inc()
            if row.times == 1:
                log.warning("task_postponed", at=name, reason=reason, detail=_detail_of(error))
            elif row.times == STUCK_AFTER:
                log.error("task_stuck", at=name, times=row.times, reason=reason, detail=_detail_of(error))
        else:
            metrics.TASK_FAILURES.labels(task, reason).inc()
            if row.reason != reason:
                log.error("task_failed", at=name, reason=reason, detail=_detail_of(error), exc_info=error)
        row.reason = reason
        self._count(task)
        if not is_away(error) or row.times >= STUCK_AFTER:
            with suppress(redis.RedisError):
                failing.put(self._client, name, row.times, reason, time.time())

    def _forget(self, name: str) -> None:
        row = self._failing.pop(name, None)
        if row:
            self._count(row.task)
            log.info("task_recovered", at=name, times=row.times)
        if row or name not in self._done:
            with suppress(redis.RedisError):
                failing.drop(self._client, name)
                self._done.add(name)

    def _count(self, task: str) -> None:
        in_a_row = max((row.times for row in self._failing.values() if row.task == task), default=0)
        metrics.TASK_FAILING.labels(task).set(in_a_row)


def _reason_of(error: Exception) -> str:
    return _reason_of(error.exceptions[0]) if isinstance(error, ExceptionGroup) else type(error).__name__


def _detail_of(error: Exception) -> str:
    parts = error.exceptions if isinstance(error, ExceptionGroup) else [error]
    return "; ".join(" ".join([*getattr(part, "__notes__", []), str(part)]) for part in parts)[:300]
