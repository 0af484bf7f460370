"""Compares the ratios of two runs: only those can be compared, between machines and between days."""

from collections.abc import Mapping, Sequence

from bench.results_file import Section

LARGEST_LOSS = 0.2
"""The part of its ratio that a row may lose before a check fails."""


def moved(reference: Mapping[str, Section], sections: Sequence[Section]) -> list[str]:
    """Return a line for each row whose ratio has lost more than a fifth. A row without a reference says nothing."""
    lines = []
    for section in sections:
        known = {row.name: row.ratio for row in reference[section.title].rows} if section.title in reference else {}
        for row in section.rows:
            before = known.get(row.name)
            if before and row.ratio is not None and row.ratio < before * (1 - LARGEST_LOSS):
                lines.append(f"{row.name}: {row.ratio:.3f} of {section.floor_name}, was {before:.3f}")
    return lines
