"""Values that the public contract fixes: the board and the periods that are always there, and the bound of scores."""

DEFAULT_BOARD = "main"

ALL_TIME = "all"
PERIOD_NAMES = (ALL_TIME, "daily", "weekly", "monthly")
"""The periods of the calendar."""

SEASON, SEASON_PREFIX = "season", "s-"
"""The name of the period that is a board's open season, and the beginning of the ids of such periods."""

ADJUSTING, ENROLLING = "adjust-", "enrol-"
"""The beginnings of the ids of the actions that a board brings with it, for adjustments and enrolments."""

GREATEST_SCORE = 2**53 - 1
"""Totals stay within plus or minus this: the integers that a double holds exactly, as in a sorted set or JavaScript."""

GREATEST_SECOND = 10**15 - 1
"""Second scores stay within plus or minus this, so that they have a fixed width in a sorted set's members."""
