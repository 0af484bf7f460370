"""`scoreboard demo`: made-up players who use the public API as any client must.

Rule: they know the service only through its API, which decides what they may do, and how often.
"""
