"""JSON bodies of answers: one encoder for Flask's views and for what answers ahead of Flask."""

from typing import Any

import orjson
from flask import Response
from flask.json.provider import JSONProvider


def dump(body: object) -> bytes:
    """Return the bytes of a JSON body in UTF-8, which end with a newline."""
    return orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)


class OrjsonProvider(JSONProvider):
    """Flask's JSON, encoded by orjson. The order of fields stays as it is in the code."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:  # noqa: ANN401 - as Flask declares it
        """Return the text of a value, without a newline."""
        del kwargs
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:  # noqa: ANN401
        """Parse a text. Bodies of requests are parsed by `common/contract/strict_json.py`, which refuses more."""
        del kwargs
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401
        """Return the response whose body is this value."""
        (body,) = args or (kwargs,)
        return Response(dump(body), mimetype="application/json")
