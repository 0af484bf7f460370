"""What has failed the work at hand. A request waits for a server that says nothing once, and then no more. Pure."""

from contextvars import ContextVar
from typing import Literal

Server = Literal["postgresql", "redis"]

_failed: ContextVar[set[Server] | None] = ContextVar("failed", default=None)


def begin() -> None:
    """From here on, in this context, failures are remembered."""
    _failed.set(set())


def end() -> None:
    """The work is done; what comes next in this context remembers nothing."""
    _failed.set(None)


def note(server: Server) -> None:
    """This server has let us wait in vain. Where nothing was begun, as in a worker, nobody remembers."""
    failed = _failed.get()
    if failed is not None:
        failed.add(server)


def has(server: Server) -> bool:
    """Whether it has."""
    return server in (_failed.get() or ())
