"""Which secrets a program gets: those that it needs. What one does not know, nobody can take from it."""

from collections.abc import Mapping

from common.core.settings import SECRETS

OWNER = "SCOREBOARD_MIGRATE_DATABASE_URL"
_BROKER = frozenset({"REDIS_URL", "BROKER_URL"})
_OF_FLOWER = "SCOREBOARD_FLOWER_PASSWORD"
_NEEDED = {
    "beat": _BROKER,
    "demo": frozenset[str](),
    "flower": _BROKER | {_OF_FLOWER},
    "migrate": frozenset(SECRETS),
}
_OF_OTHERS = frozenset(SECRETS) - {OWNER, _OF_FLOWER}


def environment_of(program: str, env: Mapping[str, str]) -> dict[str, str]:
    """`env` without the secrets that a program of the Procfile has no use for."""
    withheld = set(SECRETS) - _NEEDED.get(program, _OF_OTHERS)
    if program in ("beat", "flower") and (env.get("BROKER_URL") or env.get("BROKER_URL_FILE")):
        withheld.add("REDIS_URL")
    return {name: value for name, value in env.items() if name.removesuffix("_FILE") not in withheld}
