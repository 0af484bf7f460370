"""Built-in pictures of players: 64 figures by number, and one for every user id. Pure.

Pictures are drawn here, from nothing a player has sent: no upload, no address elsewhere.
"""

import hashlib
from math import cos, pi, sin

from common.domain.details import PICTURES

_SIZE = 48
_HUES = (4, 28, 46, 130, 172, 208, 262, 322)
"""Degrees of the colour circle (HSL), far enough from each other to be told apart."""

_CELLS, _MARGIN = 5, 4
_CELL = (_SIZE - 2 * _MARGIN) // _CELLS


def figure(number: int) -> str:
    """Return the SVG of a numbered figure: one of eight shapes in one of eight colours."""
    if not 0 <= number < PICTURES:
        raise ValueError(number)
    shape, hue = _SHAPES[number % len(_SHAPES)], _HUES[number // len(_SHAPES)]
    return _svg(f"hsl({hue} 62% 42%)", f'<g fill="#fff" stroke="#fff">{shape}</g>')


def identicon(user_id: str) -> str:
    """Return the SVG of a pattern that is mirrored in the middle, as the digest of the user id says."""
    digest = hashlib.sha256(user_id.encode()).digest()
    columns = (_CELLS + 1) // 2
    cells = [
        (column, row)
        for row in range(_CELLS)
        for column in range(columns)
        if digest[row * columns + column] & 1
        for column in sorted({column, _CELLS - 1 - column})
    ]
    colour = f"hsl({_HUES[digest[-1] % len(_HUES)]} 55% 40%)"
    squares = "".join(
        f'<rect x="{_MARGIN + column * _CELL}" y="{_MARGIN + row * _CELL}" width="{_CELL}" height="{_CELL}"/>'
        for column, row in cells
    )
    return _svg("#eceef1", f'<g fill="{colour}">{squares}</g>')


def _svg(background: str, content: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE} {_SIZE}" width="{_SIZE}" height="{_SIZE}">'
        f'<rect width="{_SIZE}" height="{_SIZE}" rx="10" fill="{background}"/>{content}</svg>'
    )


def _star(points: int, outer: float, inner: float) -> str:
    """Return a star with so many points, or a polygon where both radii fit that."""
    corners = [
        (_SIZE / 2 + radius * sin(pi * step / points), _SIZE / 2 - radius * cos(pi * step / points))
        for step in range(2 * points)
        for radius in ((inner if step % 2 else outer),)
    ]
    return f'<polygon points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in corners)}"/>'


_SHAPES = (
    '<circle cx="24" cy="24" r="13"/>',
    _star(3, 16, 8),
    _star(4, 17, 12),
    _star(5, 17, 7),
    _star(6, 16, 14),
    _star(8, 17, 10),
    '<path d="M24 37 11 24a7.5 7.5 0 0 1 13-8 7.5 7.5 0 0 1 13 8z"/>',
    '<circle cx="24" cy="24" r="12" fill="none" stroke-width="6"/>',
)
"""Circle, triangle, diamond, star of five, hexagon, star of eight, heart and ring."""
