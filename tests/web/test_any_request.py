"""Any request at all, as Schemathesis thinks of them from `/openapi.json`: no answer that is not documented, no 500.

`SCOREBOARD_FUZZ_SEED` repeats a run.
"""

import os
import secrets
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from schemathesis import CheckContext, Response
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.insider import AnyCase, AnyOperation, Insider, is_as_documented
from tests.player import Player
from workers import maintenance
from workers.snapshots import take_all
from workers.state import WorkerState

EXAMPLES = 15
SETTINGS = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
ENDS_OTHERWISE = {"watchBoard"}
"""No request of these becomes a success: this client speaks no WebSocket."""


@pytest.fixture
def seed() -> int:
    chosen = int(os.environ.get("SCOREBOARD_FUZZ_SEED") or secrets.randbits(32))
    print(f"SCOREBOARD_FUZZ_SEED={chosen}")
    return chosen


@pytest.fixture
def api(app: Flask, worker: WorkerState, seed: int) -> OpenApiSchema:
    """The document of an application that has a snapshot, with every check but one."""
    take_all(worker, datetime.now(UTC))
    load_all_checks()
    checks = {
        "positive_data_acceptance": {"enabled": False},  # `is_not_called_invalid` looks closer
        "negative_data_rejection": {"expected-statuses": ["4xx"]},  # 426 comes before the query is read
    }
    generation = {"max-examples": EXAMPLES, "database": "none", "allow-x00": False}  # NUL is no JSON to us
    config = {"seed": seed, "generation": generation, "checks": checks}
    return schemathesis.openapi.from_wsgi("/openapi.json", app, config=SchemathesisConfig.from_dict(config))


def is_not_called_invalid(_context: CheckContext, response: Response, case: AnyCase) -> None:
    """Nobody who keeps to the document hears that the request is not valid; another reason may still be found."""
    if not is_as_documented(case) or response.status_code != 400:
        return
    error = response.json()["error"]
    assert error["code"] != "invalid_json"
    fields = {each["field"] for each in error.get("details", {}).get("fields", ())}
    in_words = {"period", "around", "aroundScore", "timestamp", "password", "newPassword", "externalId", ""}
    in_words |= {"at", "cursor", "movement", "displayName", "country", "avatar", "from", "to", "reason", "amount"}
    assert fields <= in_words, "of these the document says in words what they must keep to"


def asked_in_every_way(
    api: OpenApiSchema, operation: AnyOperation, ask: Callable[[AnyCase], None], seed: int
) -> Callable[[], None]:
    """The documented examples, the edges of every schema, and random requests, good ones and bad ones."""
    config = HypothesisTestConfig(project=api.config, modes=list(HypothesisTestMode), settings=SETTINGS, seed=seed)
    test: Callable[[], None] = create_test(operation=operation, test_func=ask, config=config)
    return test


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("draining")
def test_any_request_is_answered_as_documented(
    api: OpenApiSchema, ada: Player, worker: WorkerState, seed: int, subtests: pytest.Subtests
) -> None:
    insider = Insider(ada)
    statuses: dict[str, set[int]] = defaultdict(set)

    def ask(case: AnyCase) -> None:
        headers = {"Accept-Encoding": "identity", **insider.help(case)}
        answer = case.call(headers=headers)
        statuses[case.operation.definition.raw["operationId"]].add(answer.status_code)
        case.validate_response(answer, headers=headers, additional_checks=[is_not_called_invalid])

    for operation in (found.ok() for found in api.get_all_operations() if isinstance(found, Ok)):
        maintenance.show_alive(worker)  # which lasts 15 seconds
        with subtests.test(operation.label):
            asked_in_every_way(api, operation, ask, seed)()

    unreached = {name for name, seen in statuses.items() if not seen & {200, 201, 202}}
    assert unreached == ENDS_OTHERWISE
    assert {200, 400, 401} <= statuses["updateScore"]
