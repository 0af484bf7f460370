"""The token middleware's rules: what is an access token of ours, and everything that is not."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contract.errors import ErrorCode, ScoreboardError
from common.domain import passwords, signing, tokens
from common.domain.tokens import AccessClaims

SECRET, PREVIOUS, FOREIGN = b"c" * 32, b"p" * 32, b"f" * 32
NOW = 1_795_425_300
CLAIMS = AccessClaims("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222", "player")
VALID_HEADER: dict[str, Any] = {"alg": "HS256", "typ": "at+jwt", "kid": hashlib.sha256(SECRET).hexdigest()[:16]}
VALID_PAYLOAD: dict[str, Any] = {
    "iss": "scoreboard",
    "aud": "scoreboard",
    "sub": CLAIMS.user_id,
    "sid": CLAIMS.session_id,
    "jti": "one",
    "iat": NOW,
    "nbf": NOW,
    "exp": NOW + 3600,
    "role": "player",
}


def encode(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def forge(header: object = None, payload: object = None, secret: bytes = SECRET, digest: str = "sha256") -> str:
    """A token made by hand, so that the check is not held against the library that it uses itself."""
    signed = (
        f"{encode(VALID_HEADER if header is None else header)}.{encode(VALID_PAYLOAD if payload is None else payload)}"
    )
    signature = hmac.digest(secret, signed.encode(), digest)
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def refusal(token: str, now: float = NOW) -> ErrorCode:
    with pytest.raises(ScoreboardError) as refused:
        tokens.verify(token, (SECRET, PREVIOUS), now)
    return refused.value.code


def test_a_token_made_by_hand_by_the_contract_is_accepted() -> None:
    assert tokens.verify(forge(), (SECRET,), NOW) == CLAIMS


def test_an_issued_token_is_accepted_and_has_every_claim() -> None:
    token = tokens.issue(CLAIMS, SECRET, NOW)
    header, payload = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    assert header == VALID_HEADER
    assert payload == {**VALID_PAYLOAD, "jti": payload["jti"]}
    assert tokens.verify(token, (SECRET,), NOW) == CLAIMS


def test_two_tokens_of_one_instant_differ() -> None:
    assert tokens.issue(CLAIMS, SECRET, NOW) != tokens.issue(CLAIMS, SECRET, NOW)


def test_during_a_rotation_both_secrets_are_good_and_a_third_is_not() -> None:
    for secret in (SECRET, PREVIOUS):
        assert tokens.verify(tokens.issue(CLAIMS, secret, NOW), (SECRET, PREVIOUS), NOW) == CLAIMS
    assert refusal(tokens.issue(CLAIMS, FOREIGN, NOW)) is ErrorCode.TOKEN_INVALID


def test_a_token_lives_an_hour_and_not_a_second_more() -> None:
    token = tokens.issue(CLAIMS, SECRET, NOW)
    assert tokens.verify(token, (SECRET,), NOW + 3599) == CLAIMS
    assert refusal(token, NOW + 3600) is ErrorCode.TOKEN_EXPIRED


def test_a_clock_that_is_a_little_ahead_is_forgiven() -> None:
    token = tokens.issue(CLAIMS, SECRET, NOW + 5)
    assert tokens.verify(token, (SECRET,), NOW) == CLAIMS
    assert refusal(tokens.issue(CLAIMS, SECRET, NOW + 6)) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize(
    "header",
    [
        {**VALID_HEADER, "alg": "none"},
        {**VALID_HEADER, "alg": "None"},
        {**VALID_HEADER, "alg": "HS512"},
        {**VALID_HEADER, "alg": "RS256"},
        {**VALID_HEADER, "typ": "JWT"},
        {**VALID_HEADER, "kid": "unknown"},
        {**VALID_HEADER, "kid": None},
        {**VALID_HEADER, "kid": ["a"]},
        {**VALID_HEADER, "crit": ["exp"]},
        {name: value for name, value in VALID_HEADER.items() if name != "kid"},
        {name: value for name, value in VALID_HEADER.items() if name != "typ"},
        {name: value for name, value in VALID_HEADER.items() if name != "alg"},
        [],
        "text",
    ],
)
def test_another_header_is_no_token_of_ours(header: object) -> None:
    assert refusal(forge(header)) is ErrorCode.TOKEN_INVALID


def test_a_token_without_a_signature_is_none_of_ours() -> None:
    signed = forge({**VALID_HEADER, "alg": "none"}).rpartition(".")[0]
    assert refusal(f"{signed}.") is ErrorCode.TOKEN_INVALID


def test_a_signature_of_another_digest_is_none_of_ours() -> None:
    assert refusal(forge({**VALID_HEADER, "alg": "HS512"}, digest="sha512")) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize("claim", sorted(VALID_PAYLOAD))
def test_a_token_without_one_of_the_claims_is_refused(claim: str) -> None:
    payload = {name: value for name, value in VALID_PAYLOAD.items() if name != claim}
    assert refusal(forge(payload=payload)) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "somebody"),
        ("aud", "somebody"),
        ("aud", ["scoreboard"]),
        ("sub", ""),
        ("sub", 5),
        ("sub", None),
        ("sub", "ada"),
        ("sub", "11111111-1111-4111-8111-11111111111A"),
        ("sub", f"{CLAIMS.user_id}\0"),
        ("sid", ["x"]),
        ("sid", ""),
        ("sid", "x"),
        ("sid", "2" * 32),
        ("jti", 1),
        ("jti", ""),
        ("role", "operator"),
        ("role", None),
        ("role", ["player"]),
        ("iat", "now"),
        ("iat", float(NOW)),
        ("iat", True),
        ("iat", NOW + 60),
        ("nbf", NOW + 60),
        ("nbf", None),
        ("exp", NOW + 3601),
        ("exp", NOW + 10**9),
        ("exp", "later"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(claim: str, value: object) -> None:
    assert refusal(forge(payload={**VALID_PAYLOAD, claim: value})) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "x" * 3000, "\u00e9.b.c", forge() + "x", "Bearer", forge()[:-2]]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert refusal(token) is ErrorCode.TOKEN_INVALID


def test_a_token_beyond_two_kibibytes_is_refused_unread() -> None:
    assert refusal(forge(payload={**VALID_PAYLOAD, "more": "x" * 3000})) is ErrorCode.TOKEN_INVALID


@given(st.integers(0, 400), st.characters(categories=["L", "N"]))
def test_no_change_of_one_character_is_accepted(position: int, character: str) -> None:
    token = forge()
    index = position % len(token)
    changed = token[:index] + character + token[index + 1 :]
    if token[index] != character and index != len(token) - 1:  # the last one has bits that base64 ignores
        assert refusal(changed) is ErrorCode.TOKEN_INVALID


@given(st.text(max_size=300))
def test_no_text_makes_the_check_fail_otherwise(token: str) -> None:
    assert refusal(token) is ErrorCode.TOKEN_INVALID


def test_a_password_is_told_from_another_and_hashed_with_argon2id() -> None:
    stored = passwords.hashed("correct horse")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=1$")  # RFC 9106, section 4, with one lane
    assert stored != passwords.hashed("correct horse")
    assert passwords.is_password("correct horse", stored)
    assert not passwords.is_password("correct horsf", stored)
    assert not passwords.is_password("correct horse", "no hash at all")


def test_nobody_has_nobodys_password_hash_made_cheaper() -> None:
    """An unknown user must take as long as a known one: the same parameters."""
    parameters: Callable[[str], list[str]] = lambda stored: stored.split("$")[1:4]  # noqa: E731
    assert parameters(passwords.DUMMY_HASH) == parameters(passwords.hashed("x"))


def test_derived_keys_differ_by_purpose_and_subject() -> None:
    keys = {signing.derive(SECRET, purpose, subject) for purpose in ("a", "b") for subject in ("1", "2")}
    assert len(keys) == 4
    assert all(len(key) == 32 for key in keys)


@given(st.binary(max_size=64))
def test_base64url_gives_the_bytes_back_and_has_one_form(raw: bytes) -> None:
    text = signing.to_base64url(raw)
    assert signing.from_base64url(text) == raw
    with pytest.raises(ValueError):
        signing.from_base64url(text + "=")


def test_time_is_an_argument() -> None:
    assert refusal(tokens.issue(CLAIMS, SECRET, int(time.time()) - 7200), time.time()) is ErrorCode.TOKEN_EXPIRED
