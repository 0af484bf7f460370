"""When a demo player moves, and how. Pure: all chance comes in as a `Random`."""

from random import Random

ARRIVAL_ACTION = "daily-login"
_ACTIONS = ("share", "complete-level", "win-match", "win-tournament")
_WEIGHTS_OF_A_NOVICE = (30.0, 60.0, 10.0, 0.5)
_WEIGHTS_OF_A_MASTER = (10.0, 40.0, 45.0, 5.0)
_QUICKEST, _USUAL, _SLOWEST = 0.4, 0.8, 1.8
"""Of the mean. The three add up to 3, which makes 1 the mean of the triangle between them."""


def pause_before_arrival(random: Random, pace: float) -> float:
    """Seconds until a player comes: not all at once, and all within one pace."""
    return random.uniform(0, pace)


def pause_before_move(random: Random, pace: float) -> float:
    """Seconds between two moves, `pace` on average. Never long bursts: an hour stays near its mean."""
    return random.triangular(_QUICKEST * pace, _SLOWEST * pace, _USUAL * pace)


def choose_action(random: Random, skill: float) -> str:
    """What a player does next. Skill goes from 0 to 1 and is what makes a board of ranks out of equals."""
    pairs = zip(_WEIGHTS_OF_A_NOVICE, _WEIGHTS_OF_A_MASTER, strict=True)
    weights = [novice + skill * (master - novice) for novice, master in pairs]
    return random.choices(_ACTIONS, weights)[0]
