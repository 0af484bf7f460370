"""`make bench`: measures this machine. `python -m bench --only updates reads` measures a part."""

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence

import structlog
from rich.console import Console

from bench import comparison, meter, results_file, tables
from bench.results_file import Section
from bench.rows import Round, Row, median_of
from bench.stages import BY_DEFAULT, CHECKED, GROUPS, STAGES, Opened, Options, Stage

LATEST = "latest"
REFERENCE = "reference"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, show one table, store the results; with `--check` compare, and exit with 1 where a ratio has moved."""
    given = _parser().parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console()
    if given.write_docs:
        tables.write_page(results_file.path_of(given.name or REFERENCE))
        return
    groups = frozenset(given.only or (CHECKED if given.check else BY_DEFAULT))
    options = Options(given.rounds, given.seconds, meter.chosen(given.generator))
    path, reference = results_file.path_of(given.name or LATEST), results_file.load(results_file.path_of(REFERENCE))
    sections: list[Section] = []
    for found in measure(groups, options, console):
        results_file.store(path, found)  # at once: whoever has seen enough may end it with Ctrl-C
        sections += found
    console.print(tables.on_screen(sections))
    console.print(f"stored in {path}")
    failures = [f"{row.name}: {row.problem}" for section in sections for row in section.rows if row.problem]
    failures += comparison.sagged(sections)
    if given.check:
        failures += comparison.moved(reference, sections)
    for failure in failures:
        console.print(f"[red]{failure}")
    sys.exit(1 if failures else 0)


def measure(groups: frozenset[str], options: Options, console: Console) -> Iterator[list[Section]]:
    """Measure the groups, and yield what each stage has found."""
    by = meter.described(options.generator)
    console.print(f"closed loops by {by}")
    for of_stage, opened in STAGES:
        if chosen := groups & of_stage:
            yield _of_stage(opened, chosen, options, by, console)


def _of_stage(opened: Opened, groups: frozenset[str], options: Options, by: str, console: Console) -> list[Section]:
    console.print(f"starting the servers of: {', '.join(sorted(groups))}")
    load_before = os.getloadavg()[0]
    with opened(options, groups) as stage:
        floors, rounds = _measure_rounds(stage, options, console)
    floor = median_of(stage.floor_name, floors, None)
    measured_at = results_file.now()
    return [
        Section(
            title=title,
            floor_name=stage.floor_name,
            floor=floor,
            rows=[_row(name, rounds[name], floor) for name in rows],
            rounds=len(floors),
            seconds=options.seconds,
            measured_at=measured_at,
            generator=by,
            load_before=load_before,
        )
        for title, rows in stage.sections.items()
    ]


def _measure_rounds(stage: Stage, options: Options, console: Console) -> tuple[list[Round], dict[str, list[Round]]]:
    """Measure every row once in each round, the floor first, so that a change of the machine meets all of them."""
    floors: list[Round] = []
    rounds: dict[str, list[Round]] = {}
    count = 1 if stage.once else options.rounds
    for number in range(count):
        label = f"round {number + 1} of {count}"
        floors.append(stage.floor())
        console.print(f"{label}: {stage.floor_name}: {tables.brief(floors[-1])}")
        for rows in stage.sections.values():
            for name, take in rows.items():
                found = take()
                rounds.setdefault(name, []).append(found)
                console.print(f"{label}: {name}: {tables.brief(found)}")
    return floors, rounds


def _row(name: str, rounds: Sequence[Round], floor: Row) -> Row:
    return median_of(name, rounds, floor.per_second)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=GROUPS, metavar="GROUP", help=f"one or more of {', '.join(GROUPS)}"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each load")
    parser.add_argument("--generator", choices=("auto", meter.WRK, meter.OWN), default="auto")
    parser.add_argument("--name", help="of the file in bench/results; the sections measured replace those of it")
    parser.add_argument("--check", action="store_true", help="compare with bench/results/reference.json")
    parser.add_argument("--write-docs", action="store_true", help="measure nothing; write the tables of the page anew")
    return parser


if __name__ == "__main__":
    main()
