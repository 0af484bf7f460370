"""How long to wait before an answer is asked for again. Pure."""

from random import Random

from scoreboard.demo.connection import Answer

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 20.0
_PASSING = frozenset({429, 500, 502, 503, 504})


def pause_before_retry(answer: Answer | None, failures: int, random: Random) -> float | None:
    """Seconds to wait; None if the answer is final. No answer at all is ambiguous: what was asked may have been done.

    The wait doubles with each failure, is never shorter than the server's Retry-After, and is spread at random so
    that those who failed together do not come back together.
    """
    if answer and answer.status not in _PASSING:
        return None
    backoff = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0 ** min(failures, 10)) * random.uniform(0.5, 1.0)
    asked = answer.retry_after if answer else 0.0
    return asked + backoff if asked else backoff
