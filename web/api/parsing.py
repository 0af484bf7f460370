"""Parsing of requests: a body or a query becomes a typed value, or a clear error."""

from typing import TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from common.contract.errors import MAX_PROBLEMS, ErrorCode, ScoreboardError, invalid_field, invalid_fields
from common.contract.requests import WORDS_OF_FORM, WORDS_OF_NAME, may_be_left_out
from common.contract.strict_json import parse_object
from common.core.validation_messages import message_of
from web.guards.request_context import read_body

Model = TypeVar("Model", bound=BaseModel)


def body_as(model: type[Model]) -> Model:
    """Parse the body. Raises `unsupported_media_type`, `body_too_large`, `invalid_json` or `validation_failed`.

    A request that has neither a body nor a type of one gets the model's defaults, if all of its fields have one.
    """
    if not request.mimetype and may_be_left_out(model) and not read_body():
        return model()
    if request.mimetype != "application/json":
        raise ScoreboardError(ErrorCode.UNSUPPORTED_MEDIA_TYPE)
    return validated(model, parse_object(read_body()))


def query_as(model: type[Model]) -> Model:
    """Parse the query. Raises `validation_failed`, also for a parameter that is unknown or given twice."""
    repeated = [name for name, values in request.args.lists() if len(values) > 1]
    if repeated:
        raise invalid_field(repeated[0], "given more than once")
    return validated(model, request.args.to_dict(), strict=False)


def validated(model: type[Model], values: object, *, strict: bool = True) -> Model:
    """Validate a value as this model. Raises `validation_failed`."""
    try:
        return model.model_validate(values, strict=strict)
    except ValidationError as error:
        found = error.errors(include_input=False)[:MAX_PROBLEMS]
        problems = [(_path(problem["loc"]), _sentence(problem)) for problem in found]
        raise invalid_fields(problems) from None


def _sentence(problem: ErrorDetails) -> str:
    """What is wrong, for the person who called: in words, never a pattern or the library's own names."""
    kind, name = problem["type"], problem["loc"][-1] if problem["loc"] else ""
    if kind in ("extra_forbidden", "string_type") and name in WORDS_OF_NAME:
        return WORDS_OF_NAME[str(name)]
    if kind == "string_pattern_mismatch":
        return WORDS_OF_FORM.get(problem["ctx"]["pattern"], "does not have the form that the reference describes")
    return message_of(problem)


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in location)
