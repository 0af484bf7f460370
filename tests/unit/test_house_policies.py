"""Rules of the house that no reviewer has to remember."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import prometheus_client
import pytest

from common.contract.errors import SENTENCES, ErrorCode, ScoreboardError
from common.contract.requests import NEW_USERNAME
from common.core import metrics
from common.domain import outcomes
from common.redis_store import keys
from web.guards.errors import CODE_OF_FRAMEWORK_STATUS, STATUS_OF

LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical"}
LOG_FIELDS = {
    # ids, names of ours and numbers
    *("account", "action_id", "actor", "address", "api_key", "at", "attempt", "attempts", "board", "boards"),
    *("code", "consumer", "count", "dependency", "error", "exc_info", "expected", "found", "fresh", "inbox_id"),
    *("is_new", "known", "ledger_id", "limit", "loop", "method", "milliseconds", "path", "period", "periods"),
    *("players", "points", "pruned", "refusal", "repaired", "request_id", "route", "rows", "seconds", "seq"),
    *("peer", "session_id", "session_ids", "setting", "sessions", "source", "status", "suspended", "taken", "task"),
    *("achievement", "unlocks"),
    *("times", "ids", "port", "updates", "user_id", "users", "version", "waiting", "where"),
    # texts: an admin's, and those of errors, which never hold a value that a client sent (`hide_parameters`)
    *("detail", "reason"),
}
"""What log lines may tell. A request's text is in none of them: a name that is typed may be a password. A new field is
added here by somebody who has thought of that. Whatever a field holds is rendered harmless by
`common/core/logging.py`."""

ROOT = Path(__file__).resolve().parents[2]
OURS = [path for name in ("common", "web", "workers", "scoreboard", "dev") for path in (ROOT / name).rglob("*.py")]


def test_every_error_has_a_row_in_the_table() -> None:
    assert set(STATUS_OF) == set(ErrorCode)


def test_every_framework_status_maps_to_a_code_of_that_status() -> None:
    assert {status: STATUS_OF[code] for status, code in CODE_OF_FRAMEWORK_STATUS.items()} == {
        status: status for status in CODE_OF_FRAMEWORK_STATUS
    }


def test_every_code_has_a_sentence_and_it_stands_in_one_place() -> None:
    assert set(SENTENCES) == set(ErrorCode)
    sentences = set(SENTENCES.values()) - {SENTENCES[ErrorCode.UNKNOWN_USER]}  # which is also said of an address
    copies = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in OURS
        if path.name != "errors.py" or path.parent.name != "contract"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in sentences
    ]
    assert copies == []


@pytest.mark.parametrize("code", ErrorCode)
def test_an_error_says_the_sentence_of_its_code_unless_it_is_given_another(code: ErrorCode) -> None:
    assert ScoreboardError(code).message == SENTENCES[code]
    assert ScoreboardError(code, "Something else.").message == "Something else."
    refused = outcomes.refused({"userId": "u", "actionId": "a", "idempotencyKey": "k"}, code)
    assert refused["error"]["code"] == code
    assert refused["error"]["message"]


def test_the_page_has_the_rule_of_usernames_that_the_api_has() -> None:
    source = (ROOT / "web" / "pages" / "frontend" / "src" / "sentences.ts").read_text(encoding="utf-8")
    assert f"/{NEW_USERNAME}/.test(username)" in source


def test_points_are_never_added_in_redis() -> None:
    sources = [*OURS, *(ROOT / "common" / "redis_store" / "lua").glob("*.lua")]
    adding = [path.name for path in sources if re.search(r"\bzincrby\b", path.read_text(), re.IGNORECASE)]
    assert adding == []


def test_keys_are_written_in_one_module_only() -> None:
    prefixes = re.compile(r"""["'](?:leaderboard|scores|session|sessions|replies|user):""")
    elsewhere = [path.name for path in OURS if path.name != "keys.py" and prefixes.search(path.read_text())]
    assert elsewhere == []


def test_connections_to_redis_are_made_in_one_module_only() -> None:
    """An explicit `connection_class` wins over the scheme's, and then `rediss://` is spoken in the clear."""
    making = re.compile(r"connection_class\s*=|\"connection_class\"|from_url\b|redis\.Redis\(|ConnectionPool\(")
    assert [path.name for path in OURS if making.search(path.read_text())] == ["client.py"]


def test_the_table_of_keys_names_every_constant() -> None:
    constants = [value for name, value in vars(keys).items() if name.isupper() and name != "DEFAULT_BOARD"]
    assert [value for value in constants if f"{value}" not in (keys.__doc__ or "") and value != keys.INBOX_GROUP] == []


def test_every_metric_is_ours_and_described() -> None:
    found = [
        value for value in vars(metrics).values() if isinstance(value, prometheus_client.metrics.MetricWrapperBase)
    ]
    assert len(found) >= 10
    for metric in found:
        (described,) = metric.describe()
        assert described.name.startswith("scoreboard_")
        assert described.documentation


def log_calls() -> Iterator[tuple[str, ast.Call]]:
    for path in OURS:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=method)) if method in LOG_METHODS:
                    yield f"{path.name}:{node.lineno}", node


def test_log_lines_have_a_constant_event_and_only_fields_that_were_thought_of() -> None:
    calls = list(log_calls())
    assert len(calls) >= 30
    for place, call in calls:
        assert len(call.args) == 1, place
        assert isinstance(call.args[0], ast.Constant), place
        assert {keyword.arg for keyword in call.keywords} <= LOG_FIELDS, place


@pytest.mark.parametrize(
    ("pattern", "module"),
    [
        (r"ConsoleRenderer|JSONRenderer", "log_lines.py"),
        (r"logging\.(?:\w*Handler\b|basicConfig)|structlog\.configure\(", "logging.py"),
    ],
)
def test_logs_are_rendered_in_one_module_only_and_leave_by_one(pattern: str, module: str) -> None:
    found = [path.name for path in OURS if re.search(pattern, path.read_text())]
    assert found == [module]


def test_log_lines_of_many_rows_name_the_fields_that_they_tell() -> None:
    """`log_many` is given its rows as dictionaries with the names in them, where it is called."""
    calls = [
        (path, node)
        for path in OURS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "log_many"
    ]
    assert calls
    for path, call in calls:
        place = f"{path.relative_to(ROOT)}:{call.lineno}"
        assert isinstance(call.args[1], ast.Constant), place
        rows = [node for node in ast.walk(call.args[2]) if isinstance(node, ast.Dict)]
        assert rows, place
        for row in rows:
            assert {key.value for key in row.keys if isinstance(key, ast.Constant)} <= LOG_FIELDS, place
            assert all(isinstance(key, ast.Constant) for key in row.keys), place


def test_the_web_has_no_coroutine_because_its_flask_runs_none() -> None:
    """`web/__init__.py` overrides `ensure_sync`."""
    web = [path for path in OURS if path.is_relative_to(ROOT / "web")]
    coroutines = [path.name for path in web if re.search(r"^\s*async def ", path.read_text(), re.MULTILINE)]
    assert web
    assert coroutines == []


def test_no_module_is_called_by_a_name_that_says_nothing() -> None:
    assert [path.name for path in OURS if path.stem in {"utils", "helpers", "misc", "manager", "base"}] == []


def test_only_the_factory_and_docstrings_stand_in_package_files() -> None:
    for path in OURS:
        if path.name == "__init__.py" and path.parent.name != "web":
            assert path.read_text().count('"""') in (0, 2), path
            assert "import" not in path.read_text().split('"""')[-1], path


def test_every_module_of_common_stands_in_a_room() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    rooms = {room.strip() for layer in layers for room in layer.split("|")}
    assert {path.name for path in (ROOT / "common").glob("*.py")} == {"__init__.py"}
    assert {path.parent.name for path in (ROOT / "common").glob("*/__init__.py")} == rooms


def test_the_reference_to_every_decision_is_alive() -> None:
    texts = [path.read_text() for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))]
    linked = {name for text in texts for name in re.findall(r"\(((?:docs/)?[\w./-]+\.md)(?:#[\w-]+)?\)", text)}
    assert [name for name in linked if not ((ROOT / name).exists() or (ROOT / "docs" / name).exists())] == []
