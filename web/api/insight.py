"""The views behind the dashboard: how the service does now and in the last hours, and what is played on its boards."""

from datetime import UTC, date, datetime, time, timedelta

import redis
from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from common.contract.constants import ALL_TIME
from common.contract.errors import ErrorCode, ScoreboardError, invalid_field
from common.contract.insight_responses import Analytics, AnalyticsPoint, BoardFigures, Metrics, MetricSample, MetricsNow
from common.contract.insight_responses import Percentiles as PercentilesOnTheWire
from common.contract.requests import AnalyticsQuery, MetricsQuery
from common.core.timestamps import format_instant
from common.domain import metric_figures, metric_samples
from common.domain.metric_figures import Percentiles
from common.domain.metric_samples import Sample
from common.postgres import analytics
from common.postgres.analytics import Point
from common.redis_store import samples
from common.redis_store.samples import Stored
from common.services import sampling
from web.api.parsing import query_as
from web.guards.access import admin
from web.reference.documented import ResponseDoc, documented
from web.services import services

blueprint = Blueprint("insight", __name__, url_prefix="/api/admin")

LAST_HOUR = timedelta(hours=1)
MOST_POINTS = 1_000
MOST_DAYS = 366
MOST_DAYS_BY_HOUR = 41
DEFAULT_DAYS = {"day": 30, "hour": 2}
MOST_BOARDS = 100
_SLOTS = (10, 30, 60, 120, 300, 600, 900)
_FRESH = timedelta(seconds=3 * sampling.EVERY_SECONDS)


@blueprint.get("/metrics")
@documented(
    "readMetrics",
    "Read what the metrics show now, and what they showed",
    description="What the dashboard draws. Each sample is of all machines, and of ten seconds, or of more where so "
    "many are asked for that 1,000 would not do. While Redis is away there are no samples, and `now` tells what is "
    "known without it.",
    query=MetricsQuery,
    answers=[ResponseDoc(200, "Now, and the samples after `since`.", Metrics)],
)
@admin
def metrics() -> Response:
    query = query_as(MetricsQuery)
    now = datetime.now(UTC)
    since = query.since or now - LAST_HOUR
    oldest = now - timedelta(hours=services().settings.metrics_hours)
    stored = _stored_since(min(max(since, oldest), now - _FRESH))
    seconds = _slot_seconds(now - max(since, oldest))
    slots = metric_samples.in_slots(
        ((each.at.timestamp(), each.machine, each.sample) for each in stored or () if each.at > since), seconds
    )
    body: Metrics = {
        "now": _now(now, [each for each in stored or () if each.at > now - _FRESH]),
        "history": "away" if stored is None else "kept",
        "samples": [_sample(datetime.fromtimestamp(at, UTC), sample) for at, sample in slots],
    }
    return jsonify(body)


@blueprint.get("/analytics")
@documented(
    "readAnalytics",
    "Read what was played",
    description="The days of a board appear once they are ranked, soon after midnight (UTC); its hours a minute after "
    "an update, and 41 days of them at most. What happened by action, refusals and movers are counted by hours, too.",
    query=AnalyticsQuery,
    answers=[ResponseDoc(200, "The figures of the board, and of all actions.", Analytics)],
    errors=[ErrorCode.UNKNOWN_BOARD],
)
@admin
def read_analytics() -> Response:
    query = query_as(AnalyticsQuery)
    if query.board not in services().catalogue.knowing(query.board).boards:
        raise ScoreboardError(ErrorCode.UNKNOWN_BOARD)
    first, last = _days(query, datetime.now(UTC).date())
    begin, end = _midnight(first), _midnight(last) + analytics.DAY
    with services().engine.connect() as connection:
        if query.by == "day":
            series = analytics.by_day(connection, query.board, first, last)
        else:
            series = analytics.by_hour(connection, query.board, begin, end)
        actions = analytics.by_action(connection, begin, end)
        refusals = analytics.refusals(connection, begin, end)
        movers, counted_at = analytics.movers(connection), analytics.counted_at(connection)
    body: Analytics = {
        "board": query.board,
        "by": query.by,
        "series": [_point(point) for point in series],
        "actions": [
            {
                "actionId": each.action_id,
                "updates": each.updates,
                "refused": each.refused,
                "points": each.points_in,
                "pointsTaken": each.points_out,
            }
            for each in actions
        ],
        "refusals": refusals,
        "movers": [{"userId": each.user_id, "username": each.username, "points": each.points} for each in movers],
        "countedAt": format_instant(counted_at) if counted_at else None,
    }
    return jsonify(body)


def _stored_since(instant: datetime) -> list[Stored] | None:
    """Return the stored samples; None while Redis is away."""
    try:
        return list(samples.since(services().redis, instant))
    except redis.RedisError:
        return None


def _days(query: AnalyticsQuery, today: date) -> tuple[date, date]:
    """Return the first and the last day that is asked for. Raises `validation_failed`."""
    last = query.until or max(today, query.since or today)
    first = query.since or last - timedelta(days=DEFAULT_DAYS[query.by] - 1)
    if first > last:
        raise invalid_field("from", "must not be after to")
    most = MOST_DAYS if query.by == "day" else MOST_DAYS_BY_HOUR
    if (last - first).days >= most:
        raise invalid_field("to", f"must not be more than {most} days from the first one")
    return first, last


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _slot_seconds(span: timedelta) -> int:
    """Return the shortest slots of which there are not too many."""
    return next((each for each in _SLOTS if span.total_seconds() / each < MOST_POINTS - 1), _SLOTS[-1])


def _now(now: datetime, stored: list[Stored]) -> MetricsNow:
    own = _own_machine()
    newest = {each.machine: each.sample for each in stored if own is None or each.machine != own[0]}
    if own:
        newest[own[0]] = own[1]
    sample = metric_samples.beside(newest.values()) if newest else None
    database, updates = _in_database(now)
    return {
        "at": format_instant(now),
        "sample": _sample(now - timedelta(seconds=sample.seconds), sample) if sample else None,
        "quarantine": database.quarantined if database else None,
        "closingLagSeconds": database.closing_lag_seconds if database else None,
        "lastSnapshotAt": format_instant(database.last_snapshot_at) if database and database.last_snapshot_at else None,
        "boards": _boards(now, updates, metric_figures.viewers_by_board(sample) if sample else {}),
    }


def _own_machine() -> tuple[str, Sample] | None:
    """Return the sample of this machine, which needs no Redis, if it is fresh."""
    folder = sampling.folder()
    newest = sampling.newest(folder) if folder else None
    if newest is None or newest.sample is None:
        return None
    if datetime.now(UTC).timestamp() - newest.at > _FRESH.total_seconds():
        return None
    return sampling.machine_name(services().settings.metrics_port), newest.sample


def _in_database(now: datetime) -> tuple[analytics.Now | None, dict[str, int]]:
    try:
        with services().engine.connect() as connection:
            return analytics.now(connection, now), analytics.updates_of_hour(connection, now)
    except SQLAlchemyError:  # what Redis and the metrics tell is told all the same
        return None, {}


def _boards(now: datetime, updates: dict[str, int], viewers: dict[str, int]) -> list[BoardFigures]:
    try:
        boards = services().catalogue.current().boards.values()
    except (ScoreboardError, SQLAlchemyError):
        return []
    shown = [board for board in boards if board.archived_at is None][:MOST_BOARDS]
    of_all_time = [(board.id, ALL_TIME) for board in shown if ALL_TIME in board.periods]
    sizes = services().leaderboard.live_sizes(of_all_time)
    return [
        {
            "boardId": board.id,
            "players": sizes.get((board.id, ALL_TIME)),
            "updates": updates.get(board.id, 0),
            "viewers": viewers.get(board.id, 0),
            "endsAt": format_instant(ends_at) if (ends_at := board.next_end(now)) else None,
        }
        for board in shown
    ]


def _sample(at: datetime, sample: Sample) -> MetricSample:
    figures = metric_figures.of(sample)
    return {
        "at": format_instant(at),
        "seconds": round(sample.seconds, 1),
        "accepted": figures.accepted,
        "applied": figures.applied,
        "refused": figures.refused,
        "quarantined": figures.quarantined,
        "answers": figures.answers,
        "answerSeconds": _percentiles(figures.answer_seconds),
        "errors": dict(figures.errors),
        "limitViolations": dict(figures.limit_violations),
        "cacheHitShare": figures.cache_hit_share,
        "viewers": figures.viewers,
        "inboxDepth": figures.inbox_depth,
        "oldestSeconds": figures.oldest_seconds,
        "submitSeconds": _percentiles(figures.submit_seconds),
        "appliedSeconds": _percentiles(figures.applied_seconds),
        "shownSeconds": _percentiles(figures.shown_seconds),
        "batchSize": figures.batch_size,
        "standingsPerUpdate": figures.standings_per_update,
        "drift": figures.drift,
        "choresWaiting": figures.chores_waiting,
    }


def _percentiles(found: Percentiles | None) -> PercentilesOnTheWire | None:
    return {"p50": found.p50, "p95": found.p95, "p99": found.p99} if found else None


def _point(point: Point) -> AnalyticsPoint:
    return {
        "at": format_instant(point.at),
        "activePlayers": point.active_players,
        "newPlayers": point.new_players,
        "updates": point.updates,
        "refused": point.refused,
        "points": point.points_in,
        "pointsTaken": point.points_out,
    }
