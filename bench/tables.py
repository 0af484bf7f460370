"""Results as a table on the screen and in docs/performance.md."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich import box
from rich.table import Table

from bench import results_file
from bench.results_file import Section
from bench.rows import Round, Row

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- results: python -m bench --write-docs -->", "<!-- end of results -->"
_KINDS = ("web", "worker", "postgres", "redis", "generator")
"""The kinds of process with a column of their own; the floor's gunicorn stands in that of the web."""

_HEAD = ("what", "per second", "ratio", "p50 ms", "p99 ms", *_KINDS, "other", "by")


def on_screen(sections: Sequence[Section]) -> Table:
    """Return all sections as one table. CPU time is in microseconds per request or update."""
    by = ", ".join(sorted({section.generator for section in sections}))
    table = Table(
        caption=f"web … other: CPU time, µs each. Closed loops by {by}", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for number, name in enumerate(_HEAD):
        table.add_column(name, justify="left" if number in (0, len(_HEAD) - 1) else "right")
    for section, before in zip(sections, (None, *sections), strict=False):
        table.add_section()
        floor = () if before and before.floor == section.floor else (section.floor,)
        for row in (*floor, *section.rows):
            table.add_row(*_cells(row), style="red" if row.problem else "")
    return table


def brief(found: Round) -> str:
    """Return a round in a few words."""
    rate = f"{found.per_second:,.0f}/s" if found.per_second is not None else ""
    p99 = f"p99 {found.p99:.1f} ms" if found.p99 is not None else ""
    return ", ".join(part for part in (rate, p99, found.note, found.problem) if part)


def write_page(results: Path, page: Path = PAGE) -> None:
    """Write the marked part of the page anew from a file of results. Raises ValueError if the marks are missing."""
    text = page.read_text(encoding="utf-8")
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    tables = "\n".join(markdown(section) for section in results_file.load(results).values())
    page.write_text(f"{text[:begin]}\n\n{tables}\n{text[end:]}", encoding="utf-8")


def markdown(section: Section) -> str:
    """Return a section as a heading and a table."""
    loads = f"{section.rounds} rounds of {section.seconds:g} s" if section.rounds > 1 else f"{section.seconds:g} s"
    before = f"load average before it began {section.load_before:.1f}"
    head = f"{section.measured_at}; {loads} each; closed loops by {section.generator}; {before}."
    return "\n".join([f"### {section.title.capitalize()}", "", head, "", *_lines(section), ""])


def _lines(section: Section) -> Iterator[str]:
    yield f"| {' | '.join(_HEAD)} |"
    yield f"|{'---|' * len(_HEAD)}"
    for row in (section.floor, *section.rows):
        yield f"| {' | '.join(re.sub('[|]', '/', cell) for cell in _cells(row))} |"


def _cells(row: Row) -> Sequence[str]:
    cpu = dict(row.cpu)
    named = [cpu.pop(kind, None) for kind in _KINDS]
    return (
        row.name,
        _shown(row.per_second, ",.0f"),
        _shown(row.ratio, ".2f"),
        _shown(row.p50, ".1f"),
        _shown(row.p99, ".1f"),
        *(_shown(used, ".0f") for used in named),
        _shown(sum(cpu.values()) or None, ".0f"),
        " ".join(part for part in (row.generator, row.note, row.problem) if part),
    )


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else f"{value:{form}}"
