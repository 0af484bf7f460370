"""The header fields that a client is sent or may send, with what they mean."""

from web.reference.json_schemas import Schema

REQUEST_ID = "X-Request-ID"
_REQUIRED = ".required"
"""The suffix of a parameter's component where the parameter is required."""

_ALONE = ".v2"
"""The suffix of the component of a required signature that has no earlier version."""

_OF_BATCH = ".batch"
"""The suffix of the component of a parameter that means another thing to a batch."""

_SIGNATURE = (
    "`t=<Unix seconds>,v2=<lower-case hex>`, the HMAC-SHA256 with the key's secret of six lines: "
    "`SCOREBOARD-REQUEST-V2`, `t`, the method, the path with the query as sent, the key's id, and the lower-case hex "
    "SHA-256 of the body. `t` lies within 300 s of the server's time."
)
_SIGNATURE_EXAMPLE = "t=1795425307,v2=5f0c2f6b8d3e4a1907c6b5a4f3e2d1c00f1e2d3c4b5a69788796a5b4c3d2e1f0"


def _text(description: str, example: str) -> Schema:
    return {"description": description, "schema": {"type": "string"}, "example": example}


def _number(description: str, example: int, *, minimum: int = 0) -> Schema:
    return {"description": description, "schema": {"type": "integer", "minimum": minimum}, "example": example}


OF_ANSWERS: dict[str, Schema] = {
    REQUEST_ID: {
        "description": "Names the request; it stands in the server's log lines.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$"},
        "example": "0b5d1f9c27e84a3c8d6e",
    },
    "Idempotent-Replayed": {
        "description": "There if an earlier request with this key counted, and not this one.",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
    "ETag": {
        "description": "Names the state of the board. Send it as `If-None-Match` to hear only of changes.",
        "required": True,
        "schema": {"type": "string"},
        "example": '"8f1c2b7a:42"',
    },
    "Cache-Control": _text("Anybody may keep the answer and must ask whether it still holds.", "public, no-cache"),
    "Access-Control-Allow-Origin": _text("Pages of every origin may read the answer.", "*"),
    "Content-Disposition": _text("A name for the file.", 'attachment; filename="main-all.csv"'),
    "Retry-After": {"required": True, **_number("Try again after so many seconds.", 7, minimum=1)},
    "X-RateLimit-Limit": _number("How many requests the limit allows.", 10),
    "X-RateLimit-Remaining": _number("How many of them are left.", 0),
    "X-RateLimit-Reset": _number("When the next request passes, in Unix seconds.", 1795425307),
    "WWW-Authenticate": {"required": True, **_text("The scheme that is asked for.", "Bearer")},
    "Allow": {"required": True, **_text("The methods that the address has.", "GET, HEAD, OPTIONS")},
    "Upgrade": {"required": True, **_text("The protocol that the address speaks.", "websocket")},
    "Sec-WebSocket-Version": {"required": True, **_text("The version of it.", "13")},
}

OF_ERRORS = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    426: ("Upgrade", "Sec-WebSocket-Version"),
    429: ("Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
    503: ("Retry-After",),
}

OF_REQUESTS: dict[str, Schema] = {
    REQUEST_ID: _text("Your name for the request, if it matches `[A-Za-z0-9_-]{8,64}`.", "0b5d1f9c27e84a3c8d6e"),
    "Prefer": _text("`respond-async` asks for the 202 at once, without waiting for the outcome.", "respond-async"),
    f"Prefer{_OF_BATCH}": _text("`wait=5` asks for the outcomes, and waits up to 5 s for them.", "wait=5"),
    "X-Signature": _text(f"With an API key: {_SIGNATURE}", _SIGNATURE_EXAMPLE),
    f"X-Signature{_REQUIRED}": _text(
        f"{_SIGNATURE} In place of `v2`, or beside it, `v1` may stand.", _SIGNATURE_EXAMPLE
    ),
    f"X-Signature{_ALONE}": _text(_SIGNATURE, _SIGNATURE_EXAMPLE),
    "If-None-Match": _text("The `ETag` that you have.", '"8f1c2b7a:42"'),
}


def sent(*names: str) -> Schema:
    """Return the `headers` of an answer, by reference."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (REQUEST_ID, *names)}


def heeded(*names: str) -> list[Schema]:
    """Return the header fields of a request for its `parameters`, by reference."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in (*names, REQUEST_ID)]


def parameters() -> Schema:
    """Return `OF_REQUESTS` as components."""
    return {
        name: {
            "name": name.partition(".")[0],
            "in": "header",
            "required": name.endswith((_REQUIRED, _ALONE)),
            **said,
        }
        for name, said in OF_REQUESTS.items()
    }
