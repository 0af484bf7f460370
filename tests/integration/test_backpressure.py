"""With nobody to apply updates the inbox grows to its bound and no further; what was accepted is applied later."""

from collections import Counter

from sqlalchemy import text

from tests.conftest import SettingsFactory
from tests.inbox import drain_completely
from tests.player import error_code, register
from web import create_app
from workers import maintenance
from workers.state import WorkerState

BOUND = 20
BEYOND = 5


def test_past_the_bound_updates_are_refused_until_workers_are_back(make_settings: SettingsFactory) -> None:
    settings = make_settings(
        SCOREBOARD_INBOX_MAX=str(BOUND), SCOREBOARD_UPDATE_LIMIT="100000/minute", SCOREBOARD_IP_LIMIT="100000/hour"
    )
    worker = WorkerState.create(settings)
    maintenance.repair(worker)
    application = create_app(settings)
    try:
        ada = register(application.test_client(), "ada")
        claims = [ada.claim("share", f"claim-number-{number}") for number in range(BOUND + BEYOND)]
        headers = {**ada.headers, "Prefer": "respond-async"}
        answers = [ada.client.post("/api/scores/update", json=claim, headers=headers) for claim in claims]
        assert Counter(answer.status_code for answer in answers) == {202: BOUND, 503: BEYOND}
        for refused in answers[BOUND:]:
            assert error_code(refused) == "dependency_unavailable"
            assert int(refused.headers["Retry-After"]) >= 1
        assert worker.inbox.depth() == BOUND
        assert ada.client.get(f"/api/scores/updates/{claims[-1]['idempotencyKey']}", headers=headers).status_code == 404

        drain_completely(worker)
        for claim in claims:
            assert ada.client.post("/api/scores/update", json=claim, headers=headers).status_code in (200, 202)
        drain_completely(worker)
        with worker.engine.connect() as connection:
            assert connection.execute(text("SELECT sum(points), count(*) FROM score_events")).one() == (25, 25)
    finally:
        application.extensions["scoreboard"].close()
        worker.close()
