"""The answers and messages that the documents show have the shape that the reference promises."""

import json
import re
from typing import Any

import pytest

from tests.docs.blocks import blocks
from tests.documents import closed, described_messages, problems_of_value, served_documents

PAGES = ["README.md", "docs/api.md", "docs/live.md", "docs/operations.md"]


def values(page: str) -> list[dict[str, Any]]:
    """Every JSON value of the page; a block holds one value, or one a line."""
    texts = [text for block in blocks(page, "json") for text in re.split(r"\n(?=\{)", block.strip())]
    return [json.loads(text) for text in texts]


def problems_of(value: dict[str, Any]) -> list[str]:
    """Empty if the reference describes such a message, or such an answer."""
    if "type" in value:
        return described_messages().problems_of(value)
    document = closed(served_documents().http)
    names = document["components"]["schemas"]
    tried = {name: problems_of_value(document, {"$ref": f"#/components/schemas/{name}"}, value) for name in names}
    return [] if not all(tried.values()) else min(tried.values(), key=len)


@pytest.mark.parametrize("page", PAGES)
def test_what_the_page_shows_is_what_the_service_answers(page: str) -> None:
    assert values(page)
    assert {json.dumps(value)[:80]: problems_of(value) for value in values(page) if problems_of(value)} == {}
