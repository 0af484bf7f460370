"""What a request may hold: strict JSON, typed fields, instants with an offset, and the signed text."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from common.contract.account_requests import LoginRequest, RegisterRequest
from common.contract.errors import ErrorCode, ScoreboardError
from common.contract.requests import ScoreUpdateRequest
from common.contract.strict_json import MAX_DEPTH, parse_object
from common.core.timestamps import format_instant, from_milliseconds, parse_instant, to_milliseconds
from common.domain import signing

USER = "11111111-1111-4111-8111-111111111111"
VALID: dict[str, object] = {
    "userId": USER,
    "actionId": "win-match",
    "timestamp": "2026-11-23T09:15:00.123Z",
    "idempotencyKey": "round-0001",
    "signature": "0" * 64,
}

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": 1, "a": 1}',
        b'{"a": {"b": 1, "b": 2}}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"a": "\\u0000"}',
        b'{"a": "\xff"}',
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 1} x',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
        b'{"a": ' + b"[" * 8000 + b"]" * 8000 + b"}",
    ],
)
def test_what_is_not_one_strict_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(ScoreboardError) as refusal:
        parse_object(body)
    assert refusal.value.code is ErrorCode.INVALID_JSON


def test_eight_levels_are_allowed() -> None:
    inner = MAX_DEPTH - 1
    assert parse_object(b'{"a": ' + b"[" * inner + b"]" * inner + b"}")


@given(st.binary())
def test_no_bytes_make_the_parser_fail_otherwise(body: bytes) -> None:
    try:
        assert isinstance(parse_object(body), dict)
    except ScoreboardError as refusal:
        assert refusal.code is ErrorCode.INVALID_JSON


@given(st.dictionaries(texts, json_values, max_size=5))
def test_plain_objects_come_through_unchanged(value: dict[str, object]) -> None:
    text = json.dumps(value)
    try:
        assert parse_object(text.encode()) == value
    except ScoreboardError:
        assert text.count("[") + text.count("{") > MAX_DEPTH


def test_a_valid_update_is_parsed() -> None:
    claim = ScoreUpdateRequest.model_validate(VALID, strict=True)
    assert claim.user_id == USER
    assert claim.occurred_at == datetime(2026, 11, 23, 9, 15, 0, 123000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("userId", "not-a-uuid"),
        ("userId", USER.replace("-", "") + "0000"),
        ("userId", 5),
        ("userId", None),
        ("actionId", "Win Match"),
        ("actionId", ""),
        ("actionId", "-starts-with-a-dash"),
        ("actionId", "a" * 65),
        ("actionId", "win-match\n"),
        ("actionId", True),
        ("idempotencyKey", "short"),
        ("idempotencyKey", "k" * 65),
        ("idempotencyKey", "has space"),
        ("idempotencyKey", "has-newline\n"),
        ("idempotencyKey", 12345678),
        ("timestamp", "yesterday"),
        ("timestamp", "2026-11-23"),
        ("timestamp", "2026-11-23T09:15:00"),
        ("timestamp", "2026-11-23T25:00:00Z"),
        ("timestamp", "2026-11-23T09:14.5Z"),
        ("timestamp", "2026-11-23T09.5Z"),
        ("timestamp", "20261123T0914,5Z"),
        ("timestamp", "0001-01-01T00:00:00+14:00"),
        ("timestamp", 1795425300),
        ("signature", 7),
        ("signature", "0" * 129),
        ("points", 1000),
    ],
)
def test_a_bad_or_unknown_field_is_named(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as refusal:
        ScoreUpdateRequest.model_validate({**VALID, field: value}, strict=True)
    assert refusal.value.errors()[0]["loc"] == (field,)


@pytest.mark.parametrize("field", sorted(VALID))
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        ScoreUpdateRequest.model_validate({name: value for name, value in VALID.items() if name != field})
    assert refusal.value.errors()[0]["loc"] == (field,)


@pytest.mark.parametrize(
    "username", ["ab", "a" * 33, "with space", "ümlaut", "admin", "Admin", "GUEST", "system", "x\n"]
)
def test_a_name_that_cannot_be_had_is_refused(username: str) -> None:
    with pytest.raises(ValidationError):
        RegisterRequest.model_validate({"username": username, "password": "long enough"})


def test_a_password_is_never_shown_by_its_model_or_its_errors() -> None:
    assert "correct horse" not in repr(LoginRequest(username="ada", password="correct horse"))
    with pytest.raises(ValidationError) as refusal:
        RegisterRequest.model_validate({"username": "ada", "password": "secret!"})
    assert "secret!" not in str(refusal.value)


@pytest.mark.parametrize(
    "text", ["2026-11-23T09:15:00Z", "2026-11-23T10:15:00+01:00", "20261123T091500Z", "2026-11-23T09:15:00.000000Z"]
)
def test_any_iso_8601_instant_with_an_offset_is_understood(text: str) -> None:
    assert parse_instant(text) == datetime(2026, 11, 23, 9, 15, tzinfo=UTC)


@given(st.integers(0, 253402300799999))
def test_milliseconds_survive_the_wire(milliseconds: int) -> None:
    instant = from_milliseconds(milliseconds)
    assert to_milliseconds(instant) == milliseconds
    assert parse_instant(format_instant(instant)) == instant


def test_an_instant_is_cut_to_milliseconds_not_rounded() -> None:
    assert format_instant(datetime(2026, 11, 23, 9, 15, 0, 999999, tzinfo=UTC)) == "2026-11-23T09:15:00.999Z"


def test_the_signature_is_that_of_the_documented_text() -> None:
    """The expected value was computed with `openssl dgst -sha256 -mac HMAC`."""
    text = signing.score_update_text(USER, "win-match", "2026-11-23T09:15:00.123Z", "round-0001")
    assert text == (
        b"SCORE-UPDATE-V1\n11111111-1111-4111-8111-111111111111\nwin-match\n2026-11-23T09:15:00.123Z\nround-0001"
    )
    assert signing.sign(b"k" * 32, text) == "f0704b1aa5a662e153859cf235bc67bef473a50cbadc4ecf12df7c306e4a08ee"


line = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=20)
claims = st.tuples(line, line, line, line)


@given(claims, claims)
def test_no_two_claims_share_a_signed_text(one: tuple[str, str, str, str], other: tuple[str, str, str, str]) -> None:
    assert (signing.score_update_text(*one) == signing.score_update_text(*other)) == (one == other)


@given(claims, st.integers(0, 3), line)
def test_a_change_of_any_signed_field_breaks_the_signature(
    claim: tuple[str, str, str, str], index: int, changed: str
) -> None:
    assume(claim[index] != changed)
    key = b"k" * 32
    signature = signing.sign(key, signing.score_update_text(*claim))
    forged = list(claim)
    forged[index] = changed
    assert signing.is_signed(key, signing.score_update_text(*claim), signature)
    assert not signing.is_signed(key, signing.score_update_text(*forged), signature)


@given(st.text(max_size=80))
def test_no_text_as_a_signature_makes_the_check_fail_otherwise(signature: str) -> None:
    assert not signing.is_signed(b"k" * 32, b"text", signature)
