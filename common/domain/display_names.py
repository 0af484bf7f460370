"""Display names: what a player may be called on a board, in any script. Pure.

A name is composed (NFC) and has no space around it. It holds letters, combining marks, numbers, punctuation, symbols
and single spaces; nothing that cannot be seen, and nothing that moves or hides the text beside it. What looks like
another player's handle or like the service itself is refused, and so is a mixture of scripts whose letters look alike.
"""

import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise

from common.contract.fields import composed
from common.contract.requests import RESERVED_USERNAMES

LONGEST = 32
"""In code points."""

MOST_BYTES = 96
"""In UTF-8: 32 code points of three bytes."""

MOST_MARKS = 3
"""In a row; more of them paint over the lines above and below."""

_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK")
"""The scripts whose letters look alike. A letter's name (Unicode Character Database) has its script as a word."""

_SHOWN = frozenset("LMNPS")
"""The first letters of the general categories that a name may hold: letter, mark, number, punctuation, symbol."""

_JOINER, _AS_PICTURE, _KEYCAP = "\u200d", "\ufe0f", "\u20e3"

# The code points of these categories that are drawn as nothing (Default_Ignorable_Code_Point), and the empty braille
# pattern. U+FE0F is none of them where it stands in an emoji.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0e\uffa0\U000e0100-\U000e01ef]"
)

# Emoji that are no "other symbol" (So): arrows and shapes among the mathematical symbols, and a few others.
_MORE_EMOJI = re.compile("[\u203c\u2049\u2139\u2194\u25fb-\u25fe\u2934\u2935\u3030\u303d]")
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff]")

_REASON_OF = {
    "Zs": "must have no other space than U+0020",
    "Zl": "must be one line",
    "Zp": "must be one line",
    "Cc": "must have no control characters",
    "Cf": "must have no invisible or direction-changing characters",
    "Co": "must have no private-use characters",
    "Cs": "must be valid Unicode",
    "Cn": "must have no unassigned characters",
}


def parse(text: str) -> str:
    """Return the display name that a text stands for: composed, and without spaces around it.

    Raises ValueError, which says in words what is wrong. Whether the name is another account's username is for the
    store to say (`folded`).
    """
    name = composed(text).strip(" ")
    problem = _problem_of_length(name) or _problem_of_characters(name) or _problem_of_meaning(name)
    if problem:
        raise ValueError(problem)
    return name


def folded(name: str) -> str:
    """Return the text by which a display name is compared with usernames: compatible forms and case are the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _problem_of_length(name: str) -> str | None:
    if not name:
        return "must not be empty"
    if len(name) > LONGEST:
        return f"must have at most {LONGEST} characters"
    if len(name.encode(errors="surrogatepass")) > MOST_BYTES:
        return f"must have at most {MOST_BYTES} bytes in UTF-8"
    return None


def _problem_of_characters(name: str) -> str | None:
    """Return what is wrong with the first character that is wrong."""
    for place, character in enumerate(name):
        category = unicodedata.category(character)
        if character in (_JOINER, _AS_PICTURE):
            if not _is_within_emoji(name, place):
                return "must have U+200D and U+FE0F only inside emoji"
        elif character != " " and category[0] not in _SHOWN:
            return _REASON_OF[category]
        elif _UNSEEN.match(character):
            return "must have no characters that cannot be seen"
    if "  " in name:
        return "must not have two spaces in a row"
    return _problem_of_marks(name)


def _problem_of_marks(name: str) -> str | None:
    marks = 0
    for before, character in pairwise(" " + name):
        marks = marks + 1 if unicodedata.category(character)[0] == "M" else 0
        if marks and before == " ":
            return "must not have a combining mark without a letter"
        if marks > MOST_MARKS:
            return f"must have at most {MOST_MARKS} combining marks in a row"
    return None


def _problem_of_meaning(name: str) -> str | None:
    if folded(name) in RESERVED_USERNAMES:
        return "this name is reserved"
    mixed = [script.capitalize() for script in _SCRIPTS if any(map(_of_script(script), name))]
    return f"must not mix {' and '.join(mixed)} letters" if len(mixed) > 1 else None


def _of_script(script: str) -> Callable[[str], bool]:
    return lambda character: character.isalpha() and script in unicodedata.name(character, "").split()


def _is_within_emoji(name: str, place: int) -> bool:
    """Return whether the joiner or the variation selector at this place stands where an emoji has one."""
    before, after = name[:place], name[place + 1 : place + 2]
    if name[place] == _AS_PICTURE:
        return _is_emoji(before[-1:]) or (before[-1:] in tuple("0123456789#*") and after == _KEYCAP)
    return _is_emoji(before.removesuffix(_AS_PICTURE)[-1:]) and _is_emoji(after)


def _is_emoji(character: str) -> bool:
    if not character:
        return False
    return unicodedata.category(character) == "So" or bool(_MORE_EMOJI.match(character) or _SKIN.match(character))
