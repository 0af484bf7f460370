"""Child processes that are started, watched, started again and ended with their whole family.

Rule: nothing here knows Scoreboard. `dev.run` decides which programs there are, and in which environment they run.
"""
