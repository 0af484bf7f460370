"""Every Redis key and channel. A fence is the random text that identifies a rebuild under way.

| key | type | what |
|---|---|---|
| `leaderboard:scores` | zset | board `main`, all time: member `<tie rank>:<user id>`, score = points |
| `leaderboard:<board>:<period>:scores` | zset | the same for other boards and periods, default parts left out |
| `…:members` | hash | user id -> `version:tie rank:updated at in ms` |
| `…:meta` | hash | epoch, seq, at (ms), ascending, players, run_id of the server, fence; `hidden:{userId}` -> version |
| `…:scores:{fence}`, `…:members:{fence}`, `…:meta:{fence}` | zset, hashes, 1 h | keys under construction in a rebuild |
| `…:rebuilding` | string | the lease of the rebuild under way; expires |
| `leaderboard:updates` | channel | one message per batch: boards touched with their seq, players changed |
| `user:{userId}:details` | hash, 1 h | what is told of a player, its version, the run_id of the server |
| `ratelimit:…` | by `limits` | rate limit counters; expire with their windows |
| `scores:inbox` | stream | accepted updates that no worker has applied; consumer group `workers` |
| `scores:doorbell` | string, 2 s | a drain has been asked for and has not read yet |
| `scores:turn:{task}` | string, half an interval | a beat task has just had its turn |
| `scores:receipt:{userId}:{key}` | string | what became of an update; 1 h after the outcome |
| `scores:verification` | string | how far the check of all players is, and what it found |
| `scores:failing` | hash, 1 day | tasks that fail: times in a row, reason, until when that is shown |
| `scores:held` | string, 30 s | accepted updates are held, and why: `{"reason": …}` |
| `scores:worker` | string, 15 s | a worker has run a task of the scoring queue |
| `scores:chores` | string, 120 s | a worker has run a task of the queue of chores |
| `scores:snapshots` | hash | `<board>:<period>` -> epoch and seq that its last stored snapshot shows |
| `scores:ready` | string, 1 s | this server takes writes |
| `session:{sid}:revoked` | string, 65 min | `1` revoked, `?` being revoked: ask PostgreSQL |
| `session:{sid}:owner` | string, 1 h at most | id of the user whose session it is, until it expires |
| `sessions:loaded` | string | run id of the server that knows every revocation of the last 65 minutes |
| `sessions:told` | string, 65 min | until when, by PostgreSQL's clock, this server knows what it may have missed |
| `sessions:ended` | channel | ids of sessions that were just revoked |
| `login:known:{fingerprint}` | string, 30 d | this account was logged in from this address: of both, no more is kept |
| `live:ticket:{fingerprint}` | string, 30 s | user id and session id of a viewer's ticket |
| `metrics:samples` | stream | what each machine's metrics counted in ten seconds each, for SCOREBOARD_METRICS_HOURS |
| `replies:{web process}` | channel | outcomes for requests that wait |
"""

import re

from common.contract.constants import ALL_TIME, DEFAULT_BOARD

INBOX = "scores:inbox"
INBOX_GROUP = "workers"
DOORBELL = "scores:doorbell"
UPDATES_CHANNEL = "leaderboard:updates"
VERIFICATION = "scores:verification"
FAILING = "scores:failing"
HELD = "scores:held"
WORKER_SEEN = "scores:worker"
CHORES_SEEN = "scores:chores"
SNAPSHOTS = "scores:snapshots"
READY = "scores:ready"
SESSIONS_LOADED = "sessions:loaded"
SESSIONS_TOLD = "sessions:told"
SESSIONS_ENDED = "sessions:ended"
SAMPLES = "metrics:samples"
RATE_LIMIT_PREFIX = "ratelimit"

_follows_postgresql = re.compile(
    r"leaderboard:.*|scores:.*|user:[0-9a-f-]{36}:details|session:[^:]+:owner|sessions:(loaded|told)|live:ticket:.*"
)


class BoardKeys:
    """The keys of one (board, period)."""

    def __init__(self, board_id: str, period_id: str) -> None:
        self.board_id = board_id
        self.period_id = period_id
        named = board_id != DEFAULT_BOARD or period_id != ALL_TIME
        base = f"leaderboard:{board_id}:{period_id}" if named else "leaderboard"
        self.scores = f"{base}:scores"
        self.members = f"{base}:members"
        self.meta = f"{base}:meta"
        self.rebuilding = f"{base}:rebuilding"

    def under_construction(self, fence: str) -> tuple[str, str, str]:
        """Return the keys under construction of the rebuild that has this `fence`: scores, members and meta."""
        return f"{self.scores}:{fence}", f"{self.members}:{fence}", f"{self.meta}:{fence}"


def follows_postgresql(key: str) -> bool:
    """Return whether a restored PostgreSQL may contradict what is at this key. The inbox is among them."""
    return _follows_postgresql.fullmatch(key) is not None


def user_details(user_id: str) -> str:
    return f"user:{user_id}:details"


def receipt(user_id: str, idempotency_key: str) -> str:
    return f"scores:receipt:{user_id}:{idempotency_key}"


def session_revoked(session_id: str) -> str:
    return f"session:{session_id}:revoked"


def session_owner(session_id: str) -> str:
    return f"session:{session_id}:owner"


def known_address(fingerprint: str) -> str:
    return f"login:known:{fingerprint}"


def ticket(fingerprint: str) -> str:
    return f"live:ticket:{fingerprint}"


def turn(task: str) -> str:
    return f"scores:turn:{task}"


def replies(web_process: str) -> str:
    return f"replies:{web_process}"
