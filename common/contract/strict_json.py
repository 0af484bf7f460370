"""JSON as RFC 8259 means it and no looser: what two parsers could read differently is refused."""

import json
import math
from typing import NoReturn

from common.contract.errors import ErrorCode, ScoreboardError

MAX_DEPTH = 8


def parse_object(body: bytes) -> dict[str, object]:
    """Parse the JSON object in `body`.

    Raises `invalid_json` for anything that is not UTF-8, not an object, or holds NaN, Infinity, a number too
    large for a double, a duplicate key, a byte order mark, a lone surrogate, a NUL, or more than 8 levels.
    """
    try:
        value = _DECODER.decode(body.decode("utf-8"))
        if b"\\u" in body or body.count(b"{") + body.count(b"[") > MAX_DEPTH:  # else there is nothing to find
            _check_tree(value, 1)
    except (ValueError, RecursionError) as error:
        raise ScoreboardError(ErrorCode.INVALID_JSON) from error
    if not isinstance(value, dict):
        raise ScoreboardError(ErrorCode.INVALID_JSON, "The body must be a JSON object.")
    return value


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("number out of range")
    return number


def _check_tree(value: object, depth: int) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        for key in value if isinstance(value, dict) else ():
            _check_text(key)
        for child in value.values() if isinstance(value, dict) else value:
            _check_tree(child, depth + 1)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ValueError("NUL in a string")
    text.encode("utf-8")  # a lone surrogate raises UnicodeEncodeError, a ValueError


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_constant=_refuse_constant, parse_float=_finite)
"""Made once, since `json.loads` makes another for each text where it is given hooks."""
