"""What a request remembers of the servers it has asked: who has failed it, and what may have been done all the same.

A request waits for a server that says nothing once, and then no more. And a request that has sent on what it was asked
to do, and then fails, does not know whether that was done: what it answers depends on `in_doubt`. Pure.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

Server = Literal["postgresql", "redis"]

REPEAT = "It may have been done; send it again."
"""What to do about a transaction whose end is not known. Every route that commits is safe to call twice."""


@dataclass
class _Work:
    """One request. `effect` is the advice that belongs to the commands of now, `doubt` to what was sent already."""

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
    """The commands that Redis is sent within do what the request asks for.

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
    """A command is on its way to Redis in full. It matters if it is one of an effect."""
    work = _work.get()
    if work and work.effect:
        work.doubt = work.effect


def command_refused(doubt_before: str | None) -> None:
    """The command did nothing, by its reply: what was in doubt before it was sent is in doubt still, and no more."""
    if work := _work.get():
        work.doubt = doubt_before


def commit_sent() -> None:
    """A COMMIT is on its way to PostgreSQL."""
    if work := _work.get():
        work.doubt = REPEAT


def in_doubt() -> str | None:
    """The advice for a request that fails now, with something sent that may have taken effect; None if nothing was.

    It stays when the reply has come: what was done is not undone by a later failure.
    """
    work = _work.get()
    return work.doubt if work else None
