"""What a request remembers of the servers that it has used: which of them timed out, and what may have taken effect.

A request waits for a silent server once only. A request that has sent a command with an effect, and then fails, does
not know whether the effect took place: what it answers depends on `in_doubt`. Pure.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

Server = Literal["postgresql", "redis"]

REPEAT = "It may have been done; send it again."
"""The advice for a transaction whose outcome is unknown. Every route that commits is safe to call twice."""


@dataclass
class _Work:
    """The state of a request. `effect` is the advice for commands sent now, `doubt` that for commands already sent."""

    failed: set[Server] = field(default_factory=set)
    effect: str | None = None
    doubt: str | None = None


_work: ContextVar[_Work | None] = ContextVar("work", default=None)


def begin() -> None:
    """Start to remember timeouts in this context."""
    _work.set(_Work())


def end() -> None:
    """Stop remembering timeouts in this context."""
    _work.set(None)


def mark_timed_out(server: Server) -> None:
    """Remember that this server has timed out. Does nothing where `begin` was not called, as in a worker."""
    if work := _work.get():
        work.failed.add(server)


def has_timed_out(server: Server) -> bool:
    """Return whether this server has timed out in this context."""
    work = _work.get()
    return work is not None and server in work.failed


@contextmanager
def effect(advice: str) -> Iterator[None]:
    """Mark the Redis commands within this block as the effect of the request.

    `advice` tells the client what to do if nobody knows whether one of them ran.
    """
    work = _work.get()
    if work is None:
        yield
        return
    work.effect = advice
    try:
        yield
    finally:
        work.effect = None


def command_sent() -> None:
    """Record that a whole command was sent to Redis. It is in doubt from now on if it belongs to an effect."""
    work = _work.get()
    if work and work.effect:
        work.doubt = work.effect


def command_refused(doubt_before: str | None) -> None:
    """Record that the last command did nothing, as its reply says: only `doubt_before` remains in doubt."""
    if work := _work.get():
        work.doubt = doubt_before


def commit_sent() -> None:
    """Record that a COMMIT was sent to PostgreSQL: it is in doubt from now on."""
    if work := _work.get():
        work.doubt = REPEAT


def in_doubt() -> str | None:
    """Return the advice for a request that fails now although a command may have taken effect; None if none was sent.

    The doubt remains after the reply: a later failure does not undo what was done.
    """
    work = _work.get()
    return work.doubt if work else None
