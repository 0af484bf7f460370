"""However many ask whether the service is whole, it is looked at once a second."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import Engine

from common.postgres import engine as database
from common.redis_store import keys
from web.api import readiness
from web.api.readiness import Report
from web.shared_reads import SharedReads


def test_a_crowd_is_answered_by_one_check(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.extensions["scoreboard"].readiness, "_reports", SharedReads[str, Report](60.0))
    pings: list[Engine] = []
    ping = database.ping

    def count_and_ping(engine: Engine) -> None:
        pings.append(engine)
        ping(engine)

    monkeypatch.setattr(database, "ping", count_and_ping)
    with ThreadPoolExecutor(20) as crowd:
        answers = list(crowd.map(lambda _: app.test_client().get("/readyz").status_code, range(100)))
    assert answers == [200] * 100
    assert len(pings) == 1


@pytest.mark.parametrize(
    ("up_seconds", "is_seen", "status"), [(0, False, "ready"), (61, False, "degraded"), (61, True, "ready")]
)
def test_a_queue_of_chores_that_nobody_serves_is_told_once_everything_has_had_time_to_start(
    app: Flask, monkeypatch: pytest.MonkeyPatch, up_seconds: int, is_seen: bool, status: str
) -> None:
    adapters = app.extensions["scoreboard"]
    monkeypatch.setattr(readiness, "CHORES_MISSED_AFTER_SECONDS", 60.0 - up_seconds)
    if is_seen:
        adapters.redis.set(keys.CHORES_SEEN, "1")
    else:
        adapters.redis.delete(keys.CHORES_SEEN)

    answer = app.test_client().get("/readyz").get_json()

    assert answer["status"] == status
    assert answer["parts"]["chores"] == ("ok" if status == "ready" else "degraded")
    assert any("chores" in sentence for sentence in answer["degraded"]) == (status == "degraded")
