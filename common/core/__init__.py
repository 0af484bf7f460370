"""What everything else stands on: settings, logs, metrics, time, and the names of tasks.

Rule: nothing here imports another module of Scoreboard, except one of this room.
"""
