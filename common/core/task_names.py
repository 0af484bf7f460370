"""The names of tasks and queues, by which web and beat send tasks to workers without importing them."""

QUEUE = "scoreboard"
"""The queue of the tasks that players wait for: applying updates, and the sweep that rings the doorbell."""

QUEUE_CHORES = "chores"
"""The queue of chores: tasks that may take long and that no player waits for. Their own worker keeps scoring free."""

APPLY = "scores.apply"
"""The doorbell: drain the inbox. Carries no data."""

SWEEP = "scores.sweep"
"""Every 2 seconds: see that Redis is whole, and ring if the inbox is not empty."""

CLOSE = "periods.close"
"""Every 5 seconds: close calendar periods that are over, and store their final snapshots."""

RANK = "periods.rank"
"""Every 5 seconds: rank closed periods, with the digests of their tables."""

REBUILD = "boards.rebuild"
"""When the sweep finds large boards missing: fill every open board that Redis does not serve. Carries no data."""

TAKE_SNAPSHOTS = "snapshots.take"
"""Store the head of every open board that has moved."""

VERIFY = "standings.verify"
"""Every 10 seconds: check some players' standings against the ledger and against Redis."""

TIDY = "sessions.tidy"
"""Delete what has expired from PostgreSQL."""

FILL = "achievements.fill"
"""Every 10 seconds: count what happened before achievements were made that are to count it."""

COUNT_RARITIES = "achievements.count"
"""Every hour: count who has each achievement."""

COUNT_HOURS = "stats.hours"
"""Every minute: count the figures of hours for the dashboard."""

CHORES = (REBUILD, CLOSE, RANK, TAKE_SNAPSHOTS, VERIFY, TIDY, FILL, COUNT_RARITIES, COUNT_HOURS)
"""The tasks of `QUEUE_CHORES`."""

SWEEP_SECONDS = 2.0
CLOSE_SECONDS = 5.0
RANK_SECONDS = 5.0
VERIFY_SECONDS = 10.0
TIDY_SECONDS = 3600.0
FILL_SECONDS = 10.0
COUNT_RARITIES_SECONDS = 3600.0
COUNT_HOURS_SECONDS = 60.0
REBUILD_SECONDS = 4.0
"""The sweep sends `REBUILD` at most once in half of this time."""
AGAIN_SECONDS = 4.0
"""The sweep sends a chore that has failed again, at most once in half of this time."""

DOORBELL_SECONDS = 2.0

LONGEST_DRAIN_SECONDS = 120
"""A drain returns after five seconds and one batch, or after rebuilding a lost board, which is far less than this."""

EXPIRES_SECONDS = 900.0
"""A message that has waited this long is not run any more, so that a worker that was away meets no endless pile.

Celery compares the clocks of two machines here, so it is far longer than those may be apart.
"""

BROKER_OPTIONS = {
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 5,
}
"""Options of both ends of the broker, so that a server that is gone is noticed within seconds."""


def queue_of(name: str) -> str:
    """The queue to which a task of this name is sent."""
    return QUEUE_CHORES if name in CHORES else QUEUE
