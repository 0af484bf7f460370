"""What demo players call themselves: made up, and nobody's real name. Pure."""

from collections.abc import Iterator

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
    """The handle of the player with this number, counted from 0; no two numbers share one."""
    round_number, place = divmod(number, len(_HANDLES))
    return f"{_HANDLES[place]}.{round_number}" if round_number else _HANDLES[place]


def spellings(wanted: str) -> Iterator[str]:
    """The handle, and then what its owner tries when somebody else has it."""
    yield wanted
    yield from (f"{wanted}_x{attempt}" for attempt in range(2, _MOST_SPELLINGS + 1))
