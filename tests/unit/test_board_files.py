"""A board as a file: whatever a name is, each form reads back to what was written, and no cell is a formula."""

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.domain.board_files import COLUMNS, FileFormat, Label, name_of, written
from common.domain.details import PlayerVisibility
from common.domain.entries import Entry

ADA = "3f2b8c1e-5d4a-4c3b-9a2e-7f6d5c4b3a21"
PLAIN = Entry(ADA, "ada", 125, 1, 1_795_425_300_123)
WHOLE = replace(PLAIN, second=-7, place=1, display_name="Ada Lovelace", country="GB", avatar=3)
LABEL = Label("main", "2026-W48", "2026-11-23T09:15:00.000Z")
HOSTILE = [
    '=HYPERLINK("https://example.org","click")',
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r\n=1",
    "\n=1",
    'a "quoted", name',
    "two\r\nlines",
    "\u202egnp.exe",
    "'=already",
    "null",
    "💥 é",
]
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


def file_of(form: FileFormat, *pages: Sequence[Entry]) -> str:
    return b"".join(written(form, LABEL, pages)).decode()


def cells_of(text: str) -> list[dict[str, str]]:
    rows = list(csv.reader(StringIO(text, newline="")))
    assert tuple(rows[0]) == COLUMNS
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows[1:]]


def test_csv_has_its_columns_in_order_and_an_empty_cell_for_what_is_not_there() -> None:
    head, plain, whole, end = file_of(FileFormat.CSV, [PLAIN, WHOLE]).split("\r\n")
    assert head == "rank,place,userId,username,displayName,country,score,second,lastUpdated"
    assert plain == f"1,,{ADA},ada,,,125,,2026-11-23T09:15:00.123Z"
    assert whole == f"1,1,{ADA},ada,Ada Lovelace,GB,125,-7,2026-11-23T09:15:00.123Z"
    assert end == ""


def test_a_number_stays_a_number_in_csv() -> None:
    (row,) = cells_of(file_of(FileFormat.CSV, [replace(PLAIN, score=-50, second=-1)]))
    assert (row["score"], row["second"]) == ("-50", "-1")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_one_cell_of_text_in_csv_and_itself_in_json(name: str) -> None:
    entry = replace(PLAIN, username=name, display_name=name)
    (row,) = cells_of(file_of(FileFormat.CSV, [entry]))
    assert row["username"] == row["displayName"]
    assert row["username"].removeprefix("'") == name.removeprefix("'")
    assert row["username"][0] not in "=+-@\t\r\n"
    assert json.loads(file_of(FileFormat.JSON, [entry]))["entries"][0]["username"] == name
    assert json.loads(file_of(FileFormat.NDJSON, [entry]))["displayName"] == name


@given(st.lists(st.lists(names, max_size=4), max_size=3))
def test_each_form_tells_every_entry_once_whatever_the_names_and_pages(pages: list[list[str]]) -> None:
    entries = [[replace(PLAIN, username=name, rank=n + 1) for n, name in enumerate(page)] for page in pages]
    expected: list[Any] = [entry.to_wire() for page in entries for entry in page]
    found = json.loads(file_of(FileFormat.JSON, *entries))
    assert found == {
        "board": "main",
        "period": "2026-W48",
        "asOf": "2026-11-23T09:15:00.000Z",
        "entries": expected,
        "total": len(expected),
    }
    lines = file_of(FileFormat.NDJSON, *entries).split("\n")
    assert [json.loads(line) for line in lines[:-1]] == expected
    told = [row["username"] for row in cells_of(file_of(FileFormat.CSV, *entries))]
    assert [name[1:] if name[0] == "'" else name for name in told] == [
        each["username"].removeprefix("'") for each in expected
    ]


@pytest.mark.parametrize("form", FileFormat)
def test_nobody_who_is_not_named_gets_into_a_file_without_having_passed_the_gate(form: FileFormat) -> None:
    with pytest.raises(RuntimeError, match="gate"):
        file_of(form, [replace(PLAIN, visibility=PlayerVisibility.ANONYMOUS)])


def test_a_file_is_named_after_what_is_in_it() -> None:
    assert name_of(LABEL, FileFormat.NDJSON) == "main-2026-W48.ndjson"
