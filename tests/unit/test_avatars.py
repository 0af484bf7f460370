"""Built-in pictures: 64 that differ, and a pattern for every user id."""

import uuid

import pytest

from common.domain.details import PICTURES
from web.pages import avatars


def test_every_figure_is_another_one_and_harmless() -> None:
    figures = {avatars.figure(number) for number in range(PICTURES)}
    assert len(figures) == PICTURES
    assert not any(word in figure for figure in figures for word in ("script", "href", "style", "<!"))


def test_there_are_no_more_figures() -> None:
    with pytest.raises(ValueError, match="64"):
        avatars.figure(PICTURES)


def test_a_pattern_is_its_players_own_and_stays() -> None:
    players = [str(uuid.UUID(int=number, version=4)) for number in range(200)]
    assert len({avatars.identicon(player) for player in players}) > 190
    assert avatars.identicon(players[0]) == avatars.identicon(players[0])
