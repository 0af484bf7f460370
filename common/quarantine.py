"""The quarantine: inbox entries that could not be applied, kept with the reason so that nothing is lost."""

import orjson
from sqlalchemy import Connection, text

_PUT = text("""
INSERT INTO score_quarantine (inbox_id, reason, payload) VALUES (:inbox_id, :reason, CAST(:payload AS jsonb))
ON CONFLICT (inbox_id) DO NOTHING
""")


def put(connection: Connection, inbox_id: str, reason: str, payload: object) -> None:
    """Set an entry aside. Safe to run twice. NUL, which jsonb cannot hold, is kept as its escape's text."""
    stored = orjson.dumps(payload).decode().replace("\\u0000", "\\\\u0000")
    connection.execute(_PUT, {"inbox_id": inbox_id, "reason": reason, "payload": stored})
