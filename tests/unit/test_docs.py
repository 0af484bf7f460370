"""The documents keep up with the code: settings, metrics, error codes, commands, links."""

import json
import re
import tomllib
from pathlib import Path

import prometheus_client
import pytest

from common.core import metrics
from common.postgres.catalogue import DEFAULTS
from dev import configuration_page
from scoreboard.__main__ import commands
from web.guards.errors import STATUS_OF

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def json_values(text: str) -> list[object]:
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines()]


def name_of(metric: prometheus_client.metrics.MetricWrapperBase) -> str:
    (described,) = metric.describe()
    return f"{described.name}_total" if isinstance(metric, prometheus_client.Counter) else described.name


def test_the_page_of_settings_is_what_make_docs_makes() -> None:
    assert configuration_page.PAGE.read_text(encoding="utf-8") == configuration_page.text()


def on_the_page(variable: str) -> bool:
    return f"`{variable.removesuffix('_FILE')}`" in configuration_page.text()


def test_every_variable_that_our_programs_read_stands_on_the_page_of_settings() -> None:
    ours = [path for name in ("common", "web", "workers", "scoreboard", "dev") for path in (ROOT / name).rglob("*.py")]
    read = {name for path in ours for name in re.findall(r"[\"'](SCOREBOARD_[A-Z_]+[A-Z])[\"']", path.read_text())}
    assert {name for name in read if not on_the_page(name)} == set()


def test_every_metric_stands_in_the_operators_page_and_no_other() -> None:
    ours = [value for value in vars(metrics).values() if isinstance(value, prometheus_client.metrics.MetricWrapperBase)]
    exported = {name_of(metric) for metric in ours} | {"scoreboard_inbox_depth"}  # read from Redis at each request
    named = set(re.findall(r"^\| `(scoreboard_\w+)", (DOCS / "operations.md").read_text(), re.MULTILINE))
    assert named == exported


def test_every_error_code_stands_in_the_guide_with_its_status_and_no_other() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `([a-z_]+)` \|", (DOCS / "api.md").read_text(), re.MULTILINE)
    assert {(int(status), code) for status, code in rows} == {
        (status, code.value) for code, status in STATUS_OF.items()
    }


def test_the_guide_has_the_default_catalogue() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \|$", (DOCS / "api.md").read_text(), re.MULTILINE)
    assert {name: int(points) for name, points in rows} == {
        action.id: action.points for action in DEFAULTS.actions.values()
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"`(SCOREBOARD_[A-Z_]+[A-Z])\b", page.read_text()))
    assert {name for name in named if not on_the_page(name)} == set()


def test_every_command_of_the_operator_stands_in_the_operators_page() -> None:
    text = (DOCS / "operations.md").read_text()
    assert [name for name in commands.commands if f"scoreboard {name}" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text()):
        found = page.parent / target if target else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), f"{target}#{anchor}"


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_path_in_backticks_exists(page: str) -> None:
    named = re.findall(r"`([\w.*/-]+)`", (ROOT / page).read_text())
    paths = {name for name in named if "/" in name[1:] or name.endswith((".py", ".toml", ".yml", ".yaml", ".md"))}
    ours = {path for path in paths if not path.startswith(("/", ".data/", ".venv/", "__init__"))}
    assert len(ours) > 10
    assert [path for path in sorted(ours) if not list(ROOT.glob(path))] == []


def test_the_code_map_has_every_room_and_no_other() -> None:
    lines = [text for _, text in BLOCK.findall((ROOT / "ARCHITECTURE.md").read_text()) if text.startswith("common/")]
    (code_map,) = lines
    rooms, parent = set(), ""
    for indent, name in re.findall(r"^( {0,2})(\w+)/ ", code_map, re.MULTILINE):
        parent = parent if indent else name
        rooms.add(f"{parent}/{name}" if indent else name)
    assert [room for room in sorted(rooms) if not (ROOT / room).is_dir()] == []
    packages = {path.parent for name in ("common", "web", "dev") for path in (ROOT / name).glob("*/__init__.py")}
    assert {str(path.relative_to(ROOT)) for path in packages} - rooms == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_json_block_is_json(page: Path) -> None:
    for language, text in BLOCK.findall(page.read_text()):
        if language == "json":
            assert json_values(text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_goal_of_make_that_is_named_exists(page: Path) -> None:
    goals = set(re.findall(r"^([a-z-]+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^\$ |^)make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE))
    assert named - goals == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_leaves_to_the_reader_is_only_what_a_test_cannot_run(page: Path) -> None:
    typed = [text for language, text in BLOCK.findall(page.read_text()) if language == "console"]
    commands_typed = [line for text in typed for line in text.splitlines() if line.startswith("$ ")]
    left_out = (
        "$ make ",
        "$ docker compose ",
        *(f"$ .venv/bin/scoreboard {name}" for name in ("demo", "restore", "reset")),
    )
    assert [line for line in commands_typed if not line.startswith(left_out)] == []


def test_the_index_of_the_readme_names_every_page() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [page.name for page in DOCS.glob("*.md") if f"docs/{page.name}" not in readme] == []


def test_the_version_of_python_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = project["requires-python"].removeprefix(">=")
    for page in (ROOT / "README.md", DOCS / "quick-start.md"):
        assert f"Python {oldest}" in page.read_text()


def test_every_test_that_a_page_names_exists() -> None:
    """A bound that is said to be held by a test is held by none once that test has another name."""
    named = {name for page in PAGES for name in re.findall(r"`(test_\w+)`", page.read_text())}
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert named
    assert named <= set(re.findall(r"^def (test_\w+)\(", tests, re.MULTILINE))


def test_every_bound_of_the_page_about_size_names_what_holds_it() -> None:
    """The last cell of each row of its tables of bounds is a test, a measurement, or says that nothing can hold it."""
    page = (DOCS / "scaling.md").read_text()
    held = re.findall(r"^\| .* \| ([^|]+) \|$", page.partition("## Measured")[0], re.MULTILINE)
    bounds = [cell for cell in held if cell != "held by" and not cell.startswith("---")]
    assert len(bounds) > 40
    assert [cell for cell in bounds if not re.search(r"`test_\w+`|`make scale`|`python -m bench|no test", cell)] == []
