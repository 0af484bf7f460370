"""JSON Schemas of our types, as pydantic makes them of the very types that parse and build."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

Schema = dict[str, Any]
"""A JSON Schema or a part of a document, which no type can say better."""

REFERENCE = "#/components/schemas/{model}"


class _WithoutTitles(GenerateJsonSchema):
    """Makes schemas without titles: the name of a field is enough."""

    def field_title_should_be_set(self, _schema: object) -> bool:
        return False


class Schemas:
    """The schema of each type, which refers to the named ones in `components`."""

    def __init__(self, types: Iterable[Any]) -> None:
        self._types = list(types)
        inputs = [(number, "validation", TypeAdapter(kind)) for number, kind in enumerate(self._types)]
        found, definitions = TypeAdapter.json_schemas(
            inputs,  # type: ignore[arg-type]  # the list is as asked for; its literal is widened to str
            ref_template=REFERENCE,
            schema_generator=_WithoutTitles,
        )
        self._found: list[Schema] = [dict(found[number, "validation"]) for number in range(len(self._types))]
        self.components: dict[str, Schema] = {name: _untitled(each) for name, each in definitions["$defs"].items()}

    def of(self, kind: object) -> Schema:
        """Return the schema of a type that was given."""
        return self._found[next(number for number, known in enumerate(self._types) if known is kind)]

    def resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a schema refers to, or the schema itself."""
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        return self.components[name] if name else schema


def _untitled(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "title"}
