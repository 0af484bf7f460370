"""Child processes that are started, watched, started again and ended with their whole family.

Nothing here knows Scoreboard: which programs there are, and in which environment they run, `dev.run` decides.
"""
