"""The scripts that run inside Redis say themselves what they need."""

import re
from importlib import resources

import pytest

from common.redis_store.client import sources

SCRIPTS = {
    path.name.removesuffix(".lua"): path.read_text(encoding="utf-8")
    for path in resources.files("common.redis_store.lua").iterdir()
    if path.name.endswith(".lua")
}
DEFINED = {
    function: name
    for name, text in SCRIPTS.items()
    for function in re.findall(r"^local function (\w+)\(", text, re.MULTILINE)
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_loaded_after_every_script_whose_functions_it_calls(name: str) -> None:
    loaded = list(sources(name))
    called = {DEFINED[word] for word in re.findall(r"\b(\w+)\(", SCRIPTS[name]) if word in DEFINED}
    assert called <= set(loaded)
    assert loaded[-1] == name


def test_a_script_that_several_others_require_is_loaded_once() -> None:
    source = "\n".join(sources("project").values())
    assert source.count("local function serving(") == 1
    assert source.count("local function tie_rank(") == 1
