"""However many ask whether the service is whole, it is looked at once a second."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import Engine

from common.postgres import engine as database
from common.redis_store import chores_watch, keys
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


@pytest.mark.parametrize(("is_seen", "status"), [(False, "degraded"), (True, "ready")])
def test_a_queue_of_chores_that_nobody_serves_is_told(
    app: Flask, monkeypatch: pytest.MonkeyPatch, is_seen: bool, status: str
) -> None:
    adapters = app.extensions["scoreboard"]
    redis = adapters.redis
    redis.delete(keys.CHORES_SEEN)
    monkeypatch.setattr(adapters.readiness, "_reports", SharedReads[str, Report](0.0))
    assert app.test_client().get("/readyz").get_json()["status"] == "ready", "it may be on its way"

    monkeypatch.setattr(chores_watch, "MISSED_AFTER_SECONDS", -1.0)
    if is_seen:
        redis.set(keys.CHORES_SEEN, "1")
    answer = app.test_client().get("/readyz").get_json()

    assert answer["status"] == status
    assert answer["parts"]["chores"] == ("ok" if status == "ready" else "degraded")
    assert any("chores" in sentence for sentence in answer["degraded"]) == (status == "degraded")
