"""Every metric. All processes of a machine write into `PROMETHEUS_MULTIPROC_DIR`; `/metrics` reads it."""

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""The upper bounds of the buckets of every duration, in seconds."""

RESPONSE_SECONDS = Histogram(
    "scoreboard_response_seconds",
    "Time to answer a request, by route, method and status",
    ["route", "method", "status"],
    buckets=SECONDS_BUCKETS,
)
ERRORS = Counter("scoreboard_errors_total", "Errors answered, by code", ["code"])
RATE_LIMITED = Counter("scoreboard_rate_limit_violations_total", "Requests over a limit, by limit", ["limit"])
CACHE_READS = Counter(
    "scoreboard_cache_reads_total", "Reads answered by Redis (hit) or by PostgreSQL (miss)", ["cache", "result"]
)
VIEWERS = Gauge("scoreboard_websocket_connections", "Open live connections", multiprocess_mode="livesum")
VIEWERS_OF_BOARD = Gauge(
    "scoreboard_board_viewers",
    "Open live connections, by the board that they watch",
    ["board"],
    multiprocess_mode="livesum",
)
VIEWERS_ENDED = Counter("scoreboard_websocket_ended_total", "Live connections that ended, by reason", ["reason"])
GROUPS = Gauge(
    "scoreboard_websocket_groups", "Lists (board, period and limit) that somebody watches", multiprocess_mode="livesum"
)
GROUPS_REFUSED = Counter(
    "scoreboard_websocket_groups_refused_total", "Viewers refused because too many different lists were watched"
)
FRAMES_SENT = Counter("scoreboard_websocket_frames_total", "Frames made for groups of live viewers")
BATCH_SIZE = Histogram(
    "scoreboard_batch_size", "Updates applied in one batch", buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)
)
BATCH_SECONDS = Histogram(
    "scoreboard_batch_seconds",
    "Time to apply one batch",
    buckets=SECONDS_BUCKETS,
)
APPLIED_SECONDS = Histogram(
    "scoreboard_applied_seconds",
    "Time from the acceptance of a batch's oldest update until the batch was shown and answered",
    buckets=SECONDS_BUCKETS,
)
SHOWN_SECONDS = Histogram(
    "scoreboard_shown_seconds",
    "Time from a batch's COMMIT until the frame with its changes was handed to the viewers of one process",
    buckets=SECONDS_BUCKETS,
)
STANDINGS = Counter("scoreboard_standings_total", "Standings that batches have changed or confirmed")
UPDATES = Counter("scoreboard_updates_total", "Updates that left the inbox, by outcome", ["outcome"])
HELD = Gauge(
    "scoreboard_updates_held",
    "1 while accepted updates wait for a reason that is none of theirs: schema, rights, a mistake in the code",
    multiprocess_mode="mostrecent",
)
LOOP_SUCCESS = Gauge(
    "scoreboard_loop_success_timestamp_seconds",
    "When a background loop of the web last got something done, in the process where that is longest ago",
    ["loop"],
    multiprocess_mode="livemin",
)
REVOCATIONS_MISSED = Gauge(
    "scoreboard_revocations_missed",
    "Ended sessions that Redis could not be told of; it is told as soon as it can be reached",
    multiprocess_mode="livesum",
)
TASK_SUCCESS = Gauge(
    "scoreboard_task_success_timestamp_seconds",
    "When a task of the worker last came to a good end, in any process",
    ["task"],
    multiprocess_mode="max",
)
TASK_POSTPONED = Counter(
    "scoreboard_task_postponed_total", "Times that a task or a step of it waited for a server that was away", ["task"]
)
TASK_FAILURES = Counter(
    "scoreboard_task_failures_total",
    "Times that a task or a step of it failed by no server's fault",
    ["task", "reason"],
)
TASK_FAILING = Gauge(
    "scoreboard_task_failing_in_a_row",
    "How often in a row a task or a step of it came to no good end, in the process where that is most",
    ["task"],
    multiprocess_mode="livemax",
)
BOARDS_NOT_SERVED = Gauge(
    "scoreboard_boards_not_served",
    "Open boards that Redis does not show, after the last sweep: they are read from PostgreSQL",
    multiprocess_mode="mostrecent",
)
DRIFT = Gauge(
    "scoreboard_drift_rows",
    "Standings and steps that differ from the ledger, or from Redis, in the check under way or the last whole one",
    multiprocess_mode="mostrecent",
)
CHECKPOINT_LAG = Gauge(
    "scoreboard_checkpoint_lag_rows",
    "Ledger ids that the checkpoint, with which standings are compared, has not taken in",
    multiprocess_mode="mostrecent",
)
VERIFIED = Counter("scoreboard_verified_players_total", "Players whose standings were checked")
VERIFIED_ROUNDS = Counter("scoreboard_verified_rounds_total", "Times that every player had been checked")
SAMPLED = Gauge(
    "scoreboard_sample_timestamp_seconds",
    "When the metrics of this machine were last sampled for the dashboard",
    multiprocess_mode="mostrecent",
)
LOG_LINES_DROPPED = Counter(
    "scoreboard_log_lines_dropped_total", "Log lines that nobody took: standard output was blocked, closed or full"
)
UNLOCKS = Counter(
    "scoreboard_achievements_unlocked_total", "Achievements that players have unlocked, by kind", ["kind"]
)
FILLS = Gauge(
    "scoreboard_achievements_being_filled",
    "Achievements towards which what happened before is still being counted",
    multiprocess_mode="mostrecent",
)
REBUILDS = Counter("scoreboard_rebuilds_total", "Boards filled again from PostgreSQL", ["board"])


def begin_at_zero(*, limits: Iterable[str], codes: Iterable[str]) -> None:
    """Create the web's counters with the value 0, because a rate needs a value before the first event."""
    for limit in limits:
        RATE_LIMITED.labels(limit)
    for code in codes:
        ERRORS.labels(code)
    for cache in ("board", "user_details"):
        for result in ("hit", "miss"):
            CACHE_READS.labels(cache, result)
