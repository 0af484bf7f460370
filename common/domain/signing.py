"""What a client signs, and the keys that the service derives from one secret."""

import base64
import hashlib
import hmac

SCORE_UPDATE_VERSION = "SCORE-UPDATE-V1"
REQUEST_VERSION = "SCOREBOARD-REQUEST-V2"


def score_update_text(user_id: str, action_id: str, timestamp: str, idempotency_key: str) -> bytes:
    """Return the five lines that are signed. No field can hold a newline, so no two updates share a text."""
    return "\n".join((SCORE_UPDATE_VERSION, user_id, action_id, timestamp, idempotency_key)).encode()


def api_request_text(unix_seconds: str, body: bytes) -> bytes:
    """Return the text that `v1` of a request with an API key signs: its instant and its body as sent."""
    return f"{unix_seconds}.".encode() + body


def api_request_text_v2(unix_seconds: str, method: str, target: str, key_id: str, body: bytes) -> bytes:
    """Return the six lines of the whole request that `v2` signs. `target` is the path with its query, exactly as sent.


    No line can hold a newline, so no two requests share a text.
    """
    body_digest = hashlib.sha256(body).hexdigest()
    return "\n".join((REQUEST_VERSION, unix_seconds, method, target, key_id, body_digest)).encode("latin-1")


def sign(key: bytes, text: bytes) -> str:
    """Return the HMAC-SHA256 (RFC 2104) of the text in lower-case hex."""
    return hmac.digest(key, text, "sha256").hex()


def is_signed(key: bytes, text: bytes, signature: str) -> bool:
    """Return whether the key signed this text. Bytes are compared: `hmac.compare_digest` raises on non-ASCII text."""
    return hmac.compare_digest(sign(key, text).encode(), signature.encode())


def derive(secret: bytes, purpose: str, subject: str) -> bytes:
    """Derive 32 bytes for one purpose and one subject; knowing one key tells nothing of another.

    One block of HKDF-Expand (RFC 5869): the secret is already a uniformly random key.
    """
    return hmac.digest(secret, f"{purpose}\n{subject}\x01".encode(), "sha256")


def fingerprint(token: str) -> bytes:
    """Return the SHA-256 by which the database knows a random token. It needs no salt: the token cannot be guessed."""
    return hashlib.sha256(token.encode()).digest()


def to_base64url(raw: bytes) -> str:
    """Encode bytes in base64url without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def from_base64url(text: str) -> bytes:
    """Decode base64url. Raises ValueError for anything that `to_base64url` would not have written."""
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if to_base64url(raw) != text:
        raise ValueError("not canonical base64url")
    return raw
