"""Waiting for a condition instead of a fixed time."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 30.0
"""A machine with much else to do comes to everything within it; only what fails waits so long."""


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for a condition, and fail when it has not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            raise AssertionError(f"not true within {seconds} s")
        time.sleep(0.01)
