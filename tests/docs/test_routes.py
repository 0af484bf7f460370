"""The guide's list of requests is the list of routes."""

import re

from flask import Flask

from tests.docs.blocks import ROOT

GUIDE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def test_the_guide_names_every_route_of_the_api_and_no_other(app: Flask) -> None:
    routes = {
        f"{method} {re.sub('<([a-z]+:)?([a-z_]+)>', '{}', rule.rule)}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    told = {re.sub(r"\{\w+\}", "{}", request) for request in re.findall(r"`((?:GET|POST|PUT) /api/[^`?]*)`", GUIDE)}
    assert told == routes
