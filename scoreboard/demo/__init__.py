"""`scoreboard demo`: made-up players who use the public API as any client must.

They have no side door: what they may do, and how often, the running service decides.
"""
