"""What the users of one locust process were told: promises that broke, and whatever an account needs afterwards."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.env import Environment

from tests.load.variables import HANDED_OVER_IN, UNTIL

_MOST_TOLD = 50
_LOOK_SECONDS = 0.1


class Told:
    """Facts of one run. All users of the process share it."""

    def __init__(self) -> None:
        self.broken: list[str] = []
        """Sentences, each about a promise that was not kept. Empty means that all were."""
        self.counted: Counter[str] = Counter()
        """How often something happened that a load has to have seen."""
        self.updates: dict[str, dict[str, str]] = {}
        """Accepted updates: of each player the action of each key."""

    def expect(self, is_kept: object, otherwise: str) -> None:
        """Record a broken promise unless it was kept."""
        if not is_kept:
            self.broken.append(otherwise)

    def as_json(self) -> dict[str, Any]:
        """Return what is handed over. Of many broken promises only the first are told."""
        return {"broken": self.broken[:_MOST_TOLD], "counted": dict(self.counted), "updates": self.updates}


told = Told()


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # locust
def _end_early(environment: Environment, **_rest: object) -> None:
    wanted: dict[str, int] = json.loads(os.environ.get(UNTIL, "{}"))
    if wanted:
        gevent.spawn(_quit_when_counted, environment, wanted)


def _quit_when_counted(environment: Environment, wanted: dict[str, int]) -> None:
    while any(told.counted[name] < count for name, count in wanted.items()):
        gevent.sleep(_LOOK_SECONDS)
    if environment.runner:
        environment.runner.quit()


@events.user_error.add_listener  # type: ignore[untyped-decorator]  # locust
def _user_failed(exception: Exception, **_rest: object) -> None:
    told.broken.append(f"a user failed: {exception!r}")


@events.quitting.add_listener  # type: ignore[untyped-decorator]  # locust
def _hand_over(environment: Environment, **_rest: object) -> None:
    total = environment.stats.total
    figures = {
        "requests": total.num_requests,
        "per_second": total.total_rps,
        "p50": total.get_response_time_percentile(0.5),
        "p99": total.get_response_time_percentile(0.99),
    }
    told.broken += [f"{error.method} {error.name}: {error.error}" for error in environment.stats.errors.values()]
    Path(os.environ[HANDED_OVER_IN]).write_text(json.dumps({**figures, **told.as_json()}))
    environment.process_exit_code = 1 if told.broken else 0
