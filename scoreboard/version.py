"""The version of Scoreboard, the one place that states it: `pyproject.toml` reads it from here."""

VERSION = "0.1.0"
