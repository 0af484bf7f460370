"""Queries of plain requests: a typed value, or nothing where the view has to tell what is wrong."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)

UNQUOTED = re.compile(r"[A-Za-z0-9_.:=&-]*")
"""The form of a query of which nothing has to be unquoted."""

_MOST_TEXTS = 4096


def query_parser(model: type[Model], form: re.Pattern[str]) -> Callable[[str], Model | None]:
    """Return a function from the text of a query to its value; the last texts are remembered.

    It returns None for a text that has another form, names a parameter twice, or does not fit the model.
    """

    @lru_cache(maxsize=_MOST_TEXTS)
    def parse(text: str) -> Model | None:
        if not form.fullmatch(text):
            return None
        pairs = parse_qsl(text, keep_blank_values=True)
        values = dict(pairs)
        if len(values) != len(pairs):
            return None
        try:
            return model.model_validate(values, strict=False)
        except ValidationError:
            return None

    return parse
