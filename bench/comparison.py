"""Compares ratios: those of two runs, and those of one run with ever more players on the board.

Only ratios can be compared, between machines, between days, and between the stages of a run.
"""

import re
from collections.abc import Mapping, Sequence

from bench.results_file import Section

LARGEST_LOSS = 0.2
"""The part of its ratio that a row may lose before a check fails."""

LARGEST_LOSS_WITH_SIZE = 0.15
"""The part of its ratio that a row may lose on a board of more players."""

_OF_SIZE = re.compile(r"(.+), ([0-9,]+) players")


def moved(reference: Mapping[str, Section], sections: Sequence[Section]) -> list[str]:
    """Return a line for each row whose ratio has lost more than a fifth, or one line if there is nothing to compare.

    A row is compared with that of the same name if the same generator made both: each takes its own part of the cores.
    """
    known = {
        (section.title, row.name, row.generator): row.ratio for section in reference.values() for row in section.rows
    }
    pairs = [
        (section.floor_name, row.name, row.ratio, known.get((section.title, row.name, row.generator)))
        for section in sections
        for row in section.rows
    ]
    comparable = [(floor, name, now, before) for floor, name, now, before in pairs if now and before]
    if not comparable:
        return ["no row has a ratio in the reference that the same generator made"]
    return [
        f"{name}: {now:.3f} of the {floor}, was {before:.3f}"
        for floor, name, now, before in comparable
        if now < before * (1 - LARGEST_LOSS)
    ]


def sagged(sections: Sequence[Section]) -> list[str]:
    """Return a line for each row whose ratio on a board of more players is more than 15 % below that of the fewest."""
    ratios: dict[str, dict[int, float]] = {}
    for row in (row for section in sections for row in section.rows):
        sized = _OF_SIZE.fullmatch(row.name)
        if sized and row.ratio:
            ratios.setdefault(sized[1], {})[int(sized[2].replace(",", ""))] = row.ratio
    return [
        f"{name}: {ratio:.3f} with {players:,} players, {of_fewest:.3f} with {min(of_row):,}"
        for name, of_row in ratios.items()
        for of_fewest in [of_row[min(of_row)]]
        for players, ratio in of_row.items()
        if ratio < of_fewest * (1 - LARGEST_LOSS_WITH_SIZE)
    ]
