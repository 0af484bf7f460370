"""What the product never does, so that no text of a client's can make it: run programs, run text, ask other servers.

The demo is a client of the service, and so it speaks HTTP. Backups, which only an operator makes, are made by
PostgreSQL's own programs; one module of the command line starts them.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("common", "web", "workers", "scoreboard")
DEMO = ROOT / "scoreboard" / "demo"
OF_BACKUPS = ROOT / "scoreboard" / "postgres_programs.py"
STARTS_PROGRAMS = {"subprocess", "os.system", "os.popen", "os.execv", "os.execve", "os.spawnv", "pty"}
RUNS_TEXT = {"eval", "exec", "pickle", "marshal", "shelve", "dill", "yaml", "flask.render_template_string"}
READS_XML = {"xml", "lxml", "defusedxml"}
ASKS_OTHERS = {"urllib.request", "http.client", "requests", "httpx", "aiohttp", "smtplib", "ftplib", "ldap"}
IS_PREDICTABLE = {"random"}


def test_the_product_neither_runs_what_it_is_sent_nor_asks_other_servers() -> None:
    assert found(STARTS_PROGRAMS | RUNS_TEXT | READS_XML | ASKS_OTHERS | IS_PREDICTABLE) == []


@pytest.mark.parametrize(
    "source", ["import subprocess", "from os import system", "import os; os.system('x')", "eval('1')",
               "from urllib.request import urlopen", "from flask import render_template_string"],
)  # fmt: skip
def test_this_search_finds_what_it_looks_for(source: str) -> None:
    assert set(named(ast.parse(source))) & (STARTS_PROGRAMS | RUNS_TEXT | ASKS_OTHERS)


def test_messages_of_celery_are_json_alone() -> None:
    assert 'accept_content = ["json"]' in (ROOT / "celeryconfig.py").read_text(encoding="utf-8")


def test_the_page_makes_no_markup_of_text_and_keeps_nothing_beyond_its_tab() -> None:
    sources = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "web/pages/frontend/src").glob("*.ts")}
    dangerous = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|localStorage|indexedDB"
        r"|document\.cookie|window\.postMessage|parent\.postMessage"
    )

    assert sources
    assert [(name, found.group()) for name, text in sources.items() if (found := dangerous.search(text))] == []


def found(names: set[str]) -> list[tuple[str, str]]:
    """The modules of the product that name one of these, and what."""
    modules = [path for package in PRODUCT for path in sorted((ROOT / package).rglob("*.py"))]
    return [
        (str(path.relative_to(ROOT)), name)
        for path in modules
        if DEMO not in path.parents and path != OF_BACKUPS and "node_modules" not in path.parts
        for name in named(ast.parse(path.read_text(encoding="utf-8")))
        if name in names
    ]


def named(tree: ast.Module) -> Iterator[str]:
    """Every module that is imported, everything that is taken from one, and every call of a built-in by its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from (alias.name, alias.name.partition(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (node.module, node.module.partition(".")[0], *(f"{node.module}.{a.name}" for a in node.names))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"
