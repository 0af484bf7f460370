"""How score updates come in: verify, accept exactly once, ring the doorbell, wait a moment for the outcome.

Rule: nothing here counts points; an update is safe in Redis before anybody is told that it was accepted.
"""
