"""The names by which web and beat ask workers for something. Neither side imports the other."""

QUEUE = "scoreboard"

APPLY = "scores.apply"
"""The doorbell: drain the inbox. Carries no data."""

SWEEP = "scores.sweep"
"""Every 2 seconds: see that Redis is whole, close periods that are over, and ring if the inbox is not empty."""

TAKE_SNAPSHOTS = "snapshots.take"
"""Store the head of every open board."""

VERIFY = "standings.verify"
"""Every 10 seconds: check some players' standings against the ledger and against Redis."""

TIDY = "sessions.tidy"
"""Delete what has expired from PostgreSQL."""

SWEEP_SECONDS = 2.0
VERIFY_SECONDS = 10.0
TIDY_SECONDS = 3600.0
DOORBELL_SECONDS = 2.0

LONGEST_DRAIN_SECONDS = 120
"""A drain hands its process back after five seconds and one batch, or after filling a lost board again."""

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
"""For both ends of the broker: a server that is gone is noticed within seconds."""
