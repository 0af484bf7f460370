"""What a client is answered about its update, by the outcome. Pure."""

from typing import NamedTuple

from common.contract.errors import ErrorCode, ScoreboardError
from common.contract.responses import AcceptedForLater, Applied
from common.domain.outcomes import Outcome

LONGEST_WAIT_SECONDS = 5
"""The longest that a batch waits for its outcomes."""

_DIGITS = 9


class Answer(NamedTuple):
    """A status and a body: 200 for an update that is applied, 202 for one that is accepted."""

    status: int
    body: Applied | AcceptedForLater


def answer_about(outcome: Outcome, root_path: str, *, names_user: bool = False) -> Answer:
    """Return the answer that tells an outcome, with addresses below `root_path`. Raises the error of a refusal.

    With `names_user` the address of the outcome says whose it is, for somebody else than the player.
    """
    if outcome["status"] == "refused":
        refusal = outcome["error"]
        raise ScoreboardError(ErrorCode(refusal["code"]), refusal["message"])
    if outcome["status"] == "applied":
        return Answer(200, outcome)
    update = outcome["update"]
    status_url = f"{root_path}/api/scores/updates/{update['idempotencyKey']}"
    if names_user:
        status_url += f"?userId={update['userId']}"
    return Answer(202, {"status": "accepted", "update": update, "statusUrl": status_url})


def asks_for_no_wait(prefer: str) -> bool:
    """Return whether a Prefer field asks for an answer at once (RFC 7240, section 4.1)."""
    return any(preference.split(";")[0].strip().lower() == "respond-async" for preference in prefer.split(","))


def seconds_to_wait(prefer: str) -> int:
    """Return for how long a Prefer field asks to wait (RFC 7240, section 4.3): 0 to `LONGEST_WAIT_SECONDS`."""
    for preference in prefer.split(","):
        name, _, value = preference.split(";")[0].partition("=")
        seconds = value.strip().strip('"')
        if name.strip().lower() == "wait" and seconds.isascii() and seconds.isdecimal():
            return min(int(seconds[:_DIGITS]), LONGEST_WAIT_SECONDS)
    return 0
