"""The environment variables by which a run tells its locust process what it has to know."""

HANDED_OVER_IN = "LOAD_TOLD"
"""The file in which the users' accounts are handed over, as JSON."""

PLAYERS = "LOAD_PLAYERS"
"""How many players are on the board that is walked through."""

UNTIL = "LOAD_UNTIL"
"""What has to have been counted, as JSON; a run ends as soon as all of it has, even if time is left."""
