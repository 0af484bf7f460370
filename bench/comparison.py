"""Compares the ratios of two runs: only those can be compared, between machines and between days."""

from collections.abc import Mapping, Sequence

from bench.results_file import Section

LARGEST_LOSS = 0.2
"""The part of its ratio that a row may lose before a check fails."""


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
