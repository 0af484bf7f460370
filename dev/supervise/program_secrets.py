"""The secrets that each program gets: only those that it needs, so that an intruder in it finds no others."""

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
    """Return `env` without the secrets that this program of the Procfile does not need."""
    withheld = set(SECRETS) - _NEEDED.get(program, _OF_OTHERS)
    if program in ("beat", "flower") and (env.get("BROKER_URL") or env.get("BROKER_URL_FILE")):
        withheld.add("REDIS_URL")
    return {name: value for name, value in env.items() if name.removesuffix("_FILE") not in withheld}
