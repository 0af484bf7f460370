"""What `deploy/` has for Prometheus and Grafana: every metric and label in it exists, and each file is what it says."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import prometheus_client
import pytest
import yaml

from common.core import metrics

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus" / "scoreboard.rules.yml"
TESTS = RULES.with_name("scoreboard.tests.yml")
DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
SCHEMA = json.loads(Path(__file__).with_name("grafana-dashboard.schema.json").read_text(encoding="utf-8"))

COLLECTED = {"scoreboard_inbox_depth": frozenset[str]()}
"""What is read from Redis when the metrics are collected (`web/server/metrics_server.py`)."""

_METRIC = re.compile(r"\bscoreboard[_:][\w:]*")
_SELECTED = re.compile(r"\b(scoreboard_\w+)\{([^}]*)\}")
_GROUPED = re.compile(r"\bby \(([^)]*)\)")


def exported() -> dict[str, frozenset[str]]:
    """Every name of a series that our processes export, with its labels."""
    found = dict(COLLECTED)
    for metric in vars(metrics).values():
        if not isinstance(metric, prometheus_client.metrics.MetricWrapperBase):
            continue
        (described,) = metric.describe()
        labels = frozenset(metric._labelnames)
        if isinstance(metric, prometheus_client.Histogram):
            names = {f"{described.name}_sum": labels, f"{described.name}_count": labels}
            found |= {**names, f"{described.name}_bucket": labels | {"le"}}
        else:
            is_counter = isinstance(metric, prometheus_client.Counter)
            found[f"{described.name}_total" if is_counter else described.name] = labels
    return found


EXPORTED = exported()


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["panels"]
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression with the place where it stands."""
    for rule in rules():
        yield f"{RULES.name} {rule.get('record') or rule['alert']}", rule["expr"]
    for path in DASHBOARDS:
        for panel in panels(path):
            for target in panel.get("targets", ()):
                yield f"{path.name} {panel['title']} {target['refId']}", target["expr"]


def labels_of(name: str) -> frozenset[str]:
    """The labels of a metric of ours, or those that a recording rule leaves."""
    if name in EXPORTED:
        return EXPORTED[name]
    (rule,) = [rule for rule in rules() if rule.get("record") == name]
    found = _GROUPED.search(rule["expr"])
    is_quantile = rule["expr"].startswith("histogram_quantile")
    return frozenset(re.findall(r"\w+", found[1])) - ({"le"} if is_quantile else set()) if found else frozenset()


@pytest.mark.parametrize(("place", "expression"), list(expressions()))
def test_every_metric_that_is_asked_for_exists_with_its_labels(place: str, expression: str) -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    named = set(_METRIC.findall(expression))
    assert named, place
    assert named - EXPORTED.keys() - recorded == set()
    for name, selectors in _SELECTED.findall(expression):
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selectors)) <= labels_of(name), place
    known = frozenset[str]().union(*(labels_of(name) for name in named))
    for labels in _GROUPED.findall(expression):
        assert set(re.findall(r"\w+", labels)) <= known, place


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_a_dashboard_has_the_form_that_grafana_takes(path: Path) -> None:
    dashboard = json.loads(path.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert [f"{error.json_path} {error.message}" for error in validator.iter_errors(dashboard)] == []
    assert dashboard["uid"] == path.stem


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_the_panels_of_a_dashboard_do_not_overlap_and_have_numbers_of_their_own(path: Path) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in panels(path):
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
    numbers = [panel["id"] for panel in panels(path)]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_a_legend_names_labels_that_its_series_have(path: Path) -> None:
    for panel in panels(path):
        for target in panel.get("targets", ()):
            named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            known = frozenset[str]().union(*(labels_of(name) for name in _METRIC.findall(target["expr"])))
            assert named <= known, panel["title"]


def test_every_alert_says_how_bad_it_is_what_is_wrong_and_what_to_do_and_stands_on_the_operators_page() -> None:
    alerts = [rule for rule in rules() if "alert" in rule]
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for alert in alerts:
        assert alert["labels"]["severity"] in {"critical", "warning"}
        assert set(alert["annotations"]) == {"summary", "action"}
    names = [alert["alert"] for alert in alerts]
    assert set(re.findall(r"^\| `(Scoreboard\w+)`", page, re.MULTILINE)) == set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("arguments", [("check", "rules", RULES.name), ("test", "rules", TESTS.name)])
def test_promtool_accepts_the_rules_and_they_go_off_as_their_tests_say(arguments: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool") or pytest.skip("promtool is not installed")
    done = subprocess.run(
        [promtool, *arguments], cwd=RULES.parent, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
