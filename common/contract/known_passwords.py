"""Passwords that are guessed first: the most common ones, the account's own name, and the name of the product. Pure."""

import re
import unicodedata
from functools import cache
from importlib import resources

_FEWEST_CHARACTERS = 3
"""The least number of different characters; `aaaaaaaa` and `abababab` have fewer."""

_OF_THE_PRODUCT = frozenset({"scoreboard", "leaderboard", "highscore", "highscores"})
_ENDS = re.compile(r"^[\W\d_]+|[\W\d_]+$")
"""The digits and signs that people put before and after a word."""


def problem(password: str, username: str) -> str | None:
    """Return why the password would be guessed soon; None if no reason is known."""
    text = unicodedata.normalize("NFKC", password).casefold()
    own_name = username.casefold()
    if len(set(text)) < _FEWEST_CHARACTERS:
        return "repeats one or two characters"
    readings = {_word for each in (text, text[::-1]) for _word in (each, _ENDS.sub("", each))}
    if own_name and readings & {own_name, _ENDS.sub("", own_name) or own_name, own_name * 2}:
        return "must not be the username"
    if readings & _OF_THE_PRODUCT:
        return "must not be the name of the product"
    if readings & _common():
        return "is one of the most common passwords"
    return None


@cache
def _common() -> frozenset[str]:
    lines = resources.files("common.contract").joinpath("known_passwords.txt").read_text(encoding="ascii")
    return frozenset(lines.split())
