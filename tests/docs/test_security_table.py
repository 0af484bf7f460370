"""docs/security-checklist.md answers every requirement of the standard once, and names only tests that there are.

`asvs_5_levels_1_2.txt` has the ids of ASVS 5.0.0 at the levels 1 and 2, in the order of the standard.
"""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

PAGE = (ROOT / "docs" / "security-checklist.md").read_text(encoding="utf-8")
REQUIRED = (Path(__file__).parent / "asvs_5_levels_1_2.txt").read_text(encoding="ascii").split()
API_RISKS = [f"API{number}:2023" for number in range(1, 11)]
VERDICTS = {"met", "not met", "operator's", "not applicable"}

_ROW = re.compile(r"^\| ((?:V|API)\d[^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
_TEST = re.compile(r"`(test_\w+)`")
_EVIDENCE = re.compile(r"`test_\w+`|\]\(|`[\w./-]+\.(?:conf|yml|html)`|`Dockerfile`")


def rows() -> list[tuple[str, str, str]]:
    """Ids, verdict and reason of each row."""
    return [(ids, verdict, where) for ids, _, verdict, where in _ROW.findall(PAGE)]


def spelled_out(ids: str) -> list[str]:
    """The ids that a cell stands for: one, several after commas, or from one to another."""
    result = []
    for part in ids.split(", "):
        first, _, last = part.partition(" to ")
        if not last:
            result.append(first)
            continue
        assert first in REQUIRED, f"{first} is no requirement of these levels"
        assert last in REQUIRED, f"{last} is no requirement of these levels"
        result += REQUIRED[REQUIRED.index(first) : REQUIRED.index(last) + 1]
    return result


def test_every_requirement_is_answered_exactly_once() -> None:
    answered = Counter(each for ids, _, _ in rows() for each in spelled_out(ids))

    assert len(REQUIRED) == 253
    assert answered == Counter([*REQUIRED, *API_RISKS])


def test_a_range_stays_within_its_section() -> None:
    ranges = [part.split(" to ") for ids, _, _ in rows() for part in ids.split(", ") if " to " in part]

    assert [(first, last) for first, last in ranges if first.rpartition(".")[0] != last.rpartition(".")[0]] == []


def test_every_answer_is_one_of_four_and_gives_a_reason() -> None:
    assert {verdict for _, verdict, _ in rows()} <= VERDICTS
    assert [ids for ids, _, where in rows() if len(where) < 8] == []


def test_what_is_met_names_what_shows_it() -> None:
    assert [ids for ids, verdict, where in rows() if verdict == "met" and not _EVIDENCE.search(where)] == []


@pytest.mark.parametrize("page", ["security.md", "security-checklist.md"])
def test_every_test_that_is_named_exists(page: str) -> None:
    named = set(_TEST.findall((ROOT / "docs" / page).read_text(encoding="utf-8")))
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    defined = {name for source in sources for name in re.findall(r"def (test_\w+)\(", source)}

    assert named - defined == set()


def test_the_summary_counts_what_the_table_says() -> None:
    counted = Counter(verdict for ids, verdict, _ in rows() for each in spelled_out(ids) if each.startswith("V"))
    told = re.search(r"(\d+) are met, (\d+) not, (\d+) are the operator's, (\d+) do not apply", PAGE)

    assert told, "the page counts its rows"
    assert [int(number) for number in told.groups()] == [
        counted["met"], counted["not met"], counted["operator's"], counted["not applicable"]
    ]  # fmt: skip
