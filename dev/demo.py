"""`make run DEMO=1`: the demo players as one more program."""

from collections.abc import Mapping

from dev.preflight import StartError
from dev.programs import Program, Surroundings

_WORDS = {"": False, "0": False, "1": True}


def is_wanted(env: Mapping[str, str]) -> bool:
    """Raises StartError for a word that is neither yes nor no."""
    word = env.get("DEMO", "")
    if word not in _WORDS:
        raise StartError("DEMO: 1 adds players who move, 0 does not")
    return _WORDS[word]


def program(surroundings: Surroundings, address: str) -> Program:
    """Players of the service at this address. Their password is kept in the data folder."""
    return Program("demo", f"python -m scoreboard demo --url {address}", surroundings)
