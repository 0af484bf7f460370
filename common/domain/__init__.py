"""The rules of the game as pure functions and values: scoring, ranking, periods, tokens.

Rule: the same arguments give the same result. Time and ids come in as arguments; no store is imported.
"""
