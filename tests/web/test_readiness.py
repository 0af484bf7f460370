"""However many ask whether the service is whole, it is looked at once a second."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import Engine

from common import database
from web import readiness


def test_a_crowd_is_answered_by_one_check(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "FRESH_SECONDS", 60.0)
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
