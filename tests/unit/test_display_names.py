"""Display names: any script, nothing that cannot be seen, nothing that looks like somebody else."""

# ruff: noqa: RUF001 - letters that look like others are what is tested

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.domain import countries, display_names

_FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ada", "Ada"),
        ("  Ada Lovelace ", "Ada Lovelace"),
        ("Andre\u0301", "Andr\u00e9"),
        ("Ünal Şahin", "Ünal Şahin"),
        ("Анна", "Анна"),
        ("Ἀθηνᾶ", "Ἀθηνᾶ"),
        ("山田 太郎", "山田 太郎"),
        ("김민수", "김민수"),
        ("مريم", "مريم"),
        ("שרה", "שרה"),
        ("नेहा", "नेहा"),
        ("O'Neill-Smith, Jr.", "O'Neill-Smith, Jr."),
        ("x_X★~100%+$", "x_X★~100%+$"),
        ("Team " + _FAMILY, "Team " + _FAMILY),
        ("❤\ufe0f", "❤\ufe0f"),
        ("🏳\ufe0f\u200d🌈", "🏳\ufe0f\u200d🌈"),
        ("👩\U0001f3fd\u200d🚀", "👩\U0001f3fd\u200d🚀"),
        ("#1\ufe0f\u20e3", "#1\ufe0f\u20e3"),
        ("ℹ\ufe0f", "ℹ\ufe0f"),
        ("🇩🇪", "🇩🇪"),
        ("日本 Anna", "日本 Anna"),
        ("a" * 32, "a" * 32),
        ("山" * 32, "山" * 32),
        ("a\u0323\u0307\u0306", unicodedata.normalize("NFC", "a\u0323\u0307\u0306")),
        ("admins", "admins"),
    ],
)
def test_names_of_any_script_are_taken_composed_and_trimmed(text: str, name: str) -> None:
    assert display_names.parse(text) == name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must not be empty"),
        ("   ", "must not be empty"),
        ("a" * 33, "must have at most 32 characters"),
        ("😀" * 25, "must have at most 96 bytes in UTF-8"),
        ("Ada\u0007", "must have no control characters"),
        ("Ada\nLovelace", "must have no control characters"),
        ("Ada\n", "must have no control characters"),
        ("Ada\u2028Lovelace", "must be one line"),
        ("Ada\u2029", "must be one line"),
        ("Ada\u00a0Lovelace", "must have no other space than U+0020"),
        ("Ada\u3000Lovelace", "must have no other space than U+0020"),
        ("Ada  Lovelace", "must not have two spaces in a row"),
        ("Ada\u202e", "must have no invisible or direction-changing characters"),
        ("\u2066Ada", "must have no invisible or direction-changing characters"),
        ("A\u200bda", "must have no invisible or direction-changing characters"),
        ("\ufeffAda", "must have no invisible or direction-changing characters"),
        ("A\u00adda", "must have no invisible or direction-changing characters"),
        ("A\u200cda", "must have no invisible or direction-changing characters"),
        ("A\u200dda", "must have U+200D and U+FE0F only inside emoji"),
        ("❤\u200d", "must have U+200D and U+FE0F only inside emoji"),
        ("\u200d❤", "must have U+200D and U+FE0F only inside emoji"),
        ("Ada\ufe0f", "must have U+200D and U+FE0F only inside emoji"),
        ("1\ufe0f", "must have U+200D and U+FE0F only inside emoji"),
        ("\ufe0f", "must have U+200D and U+FE0F only inside emoji"),
        ("\u3164", "must have no characters that cannot be seen"),
        ("A\u034fda", "must have no characters that cannot be seen"),
        ("\u2800", "must have no characters that cannot be seen"),
        ("Ada\U000e0100", "must have no characters that cannot be seen"),
        ("\ue000", "must have no private-use characters"),
        ("\U000e0fff", "must have no unassigned characters"),
        ("A\ufdd0", "must have no unassigned characters"),
        ("\ud800", "must be valid Unicode"),
        ("\u0301a", "must not have a combining mark without a letter"),
        ("a \u0301", "must not have a combining mark without a letter"),
        ("q\u0301\u0302\u0303\u0304", "must have at most 3 combining marks in a row"),
        ("admin", "this name is reserved"),
        ("Scoreboard", "this name is reserved"),
        ("ＡＤＭＩＮ", "this name is reserved"),
        ("\u017fystem", "this name is reserved"),
        ("Аda", "must not mix Latin and Cyrillic letters"),
        ("ΑAda", "must not mix Latin and Greek letters"),
        ("Анна Ω", "must not mix Cyrillic and Greek letters"),
        ("Ａнна", "must not mix Latin and Cyrillic letters"),
    ],
)
def test_what_deceives_or_cannot_be_seen_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        display_names.parse(text)


@given(st.text(st.characters(codec=None), max_size=40))
def test_any_text_is_a_name_or_refused_and_a_name_stays_itself(text: str) -> None:
    try:
        name = display_names.parse(text)
    except ValueError as refusal:
        assert str(refusal)
        return
    assert display_names.parse(name) == name
    assert name == unicodedata.normalize("NFC", name).strip()
    assert 1 <= len(name) <= display_names.LONGEST
    assert len(name.encode()) <= display_names.MOST_BYTES


def test_names_are_compared_with_usernames_without_case_and_width() -> None:
    assert display_names.folded("ＡＤＡ") == display_names.folded("ada") == "ada"


def test_countries_are_those_of_iso_3166() -> None:
    assert len(countries.CODES) == 249
    assert countries.parse("DE") == "DE"
    for code in ("de", "XX", "EU", "UK", "DEU", "", "D"):
        with pytest.raises(ValueError, match="ISO 3166-1"):
            countries.parse(code)
