"""The behaviour of demo players: when they move, which actions they choose, and their names.

Everything here is pure: all randomness comes in as a `Random`.
"""

from collections.abc import Iterator
from random import Random

ARRIVAL_ACTION = "daily-login"
_ACTIONS = ("share", "complete-level", "win-match", "win-tournament")
_WEIGHTS_OF_A_NOVICE = (30.0, 60.0, 10.0, 0.5)
_WEIGHTS_OF_A_MASTER = (10.0, 40.0, 45.0, 5.0)
_ALL_ARRIVE_WITHIN_SECONDS = 5.0
_OPENING_SECONDS = (0.3, 1.2)
_MOST_OPENING_MOVES_BY_SKILL = 4
_QUICKEST, _USUAL, _SLOWEST = 0.4, 0.8, 1.8
"""Pauses as multiples of the mean. They add up to 3, so the triangular distribution between them has the mean 1."""


def pause_before_arrival(random: Random, pace: float) -> float:
    """Return the seconds until a player comes: not all at once, and all of them soon."""
    return random.uniform(0, min(_ALL_ARRIVE_WITHIN_SECONDS, pace))


def opening(random: Random, pace: float, skill: float) -> list[float]:
    """Return the seconds before each of a new player's first moves, which come quickly: a board of equals is dull.

    They are few enough that the first minute stays below the default limit of ten updates for a player.
    """
    moves = random.randint(1, 2) + round(skill * _MOST_OPENING_MOVES_BY_SKILL)
    return [min(pace, random.uniform(*_OPENING_SECONDS)) for _ in range(moves)]


def pause_before_first_move(random: Random, pace: float) -> float:
    """Return the seconds between the arrival and the first usual move, so that players do not move in step."""
    return random.uniform(0, pace)


def pause_before_move(random: Random, pace: float) -> float:
    """Return the seconds between two moves, `pace` on average. No long bursts: an hour stays near its mean."""
    return random.triangular(_QUICKEST * pace, _SLOWEST * pace, _USUAL * pace)


def choose_action(random: Random, skill: float) -> str:
    """Return what a player does next. Skill goes from 0 to 1 and makes a board of ranks out of equals."""
    pairs = zip(_WEIGHTS_OF_A_NOVICE, _WEIGHTS_OF_A_MASTER, strict=True)
    weights = [novice + skill * (master - novice) for novice, master in pairs]
    return random.choices(_ACTIONS, weights)[0]


_HANDLES = (
    "neon_moth",
    "quietthunder",
    "pixel-otter",
    "zigzagzebra",
    "rust.bucket",
    "lunarwaffle",
    "kestrel_77",
    "pudding_storm",
    "turbo-snail",
    "glitchgarden",
    "mossy_fox",
    "paperdragon",
    "nightbus42",
    "salty.comet",
    "velvetcactus",
    "orbit_pony",
    "cobaltcrab",
    "tinfoil-hat",
    "echo_badger",
    "marblemaze",
    "drizzlebit",
    "copper_owl",
    "wobblybridge",
    "static-lynx",
    "gravel_queen",
    "halfmoonpie",
    "lucky.bolt",
    "frostbyte_9",
    "sundialed",
    "mango-meteor",
    "hexagoose",
    "tidalcookie",
    "binary_bison",
    "foggy.fern",
    "clockworkpear",
    "jetlag-lemur",
)
_MOST_SPELLINGS = 5


def handle(number: int) -> str:
    """Return the handle of the player with this number, counted from 0; no two numbers share one."""
    round_number, place = divmod(number, len(_HANDLES))
    return f"{_HANDLES[place]}.{round_number}" if round_number else _HANDLES[place]


def spellings(wanted: str) -> Iterator[str]:
    """Yield the handle, and then the variants that its owner tries when the name is taken."""
    yield wanted
    yield from (f"{wanted}_x{attempt}" for attempt in range(2, _MOST_SPELLINGS + 1))
