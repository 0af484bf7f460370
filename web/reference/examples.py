"""Examples, put together from those that the kinds of values have, so that they never contradict the schemas."""

from collections.abc import Mapping
from typing import Any

from web.reference.json_schemas import Schema, Schemas


def example_of(schema: Mapping[str, Any], schemas: Schemas) -> object:
    """Return one value of a schema; for an object, the fields that are always there."""
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "$ref" in schema:
        return example_of(schemas.resolve(schema), schemas)
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return example_of(schema[choice][0], schemas)
    return _example_of_structure(schema, schemas)


def named_examples(schema: Mapping[str, Any], schemas: Schemas) -> Schema:
    """Return the examples of a media type, one for each case of a union."""
    cases = schema.get("discriminator", {}).get("mapping", {})
    if not cases:
        return {"example": {"value": example_of(schema, schemas)}}
    return {name: {"value": example_of({"$ref": reference}, schemas)} for name, reference in cases.items()}


def _example_of_structure(schema: Mapping[str, Any], schemas: Schemas) -> object:
    if schema["type"] == "array":
        return [example_of(schema["items"], schemas)]
    if schema["type"] != "object":
        raise ValueError(f"a value without an example: {schema}")
    properties: Mapping[str, Any] = schema["properties"]
    return {name: example_of(properties[name], schemas) for name in schema.get("required", properties)}
