"""The locks agree with each other, so that no install undoes another, and hold nothing but versions and hashes."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "requirements"
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==([^ ;\\]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(_PIN.findall((FOLDER / f"{name}.txt").read_text(encoding="utf-8")))


@pytest.mark.parametrize(("smaller", "larger"), [("production", "local"), ("local", "development")])
def test_the_larger_set_has_the_smaller_one_at_the_same_versions(smaller: str, larger: str) -> None:
    assert pins(smaller)
    assert pins(smaller).items() <= pins(larger).items()


@pytest.mark.parametrize("name", ["production", "local", "development"])
def test_a_lock_names_no_place_to_fetch_from(name: str) -> None:
    assert "://" not in (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
