"""What needs PostgreSQL and Redis together: reading boards, rebuilding, verifying, suspending.

Rule: these are the only modules that import both stores; each says what a death between two of its steps leaves behind.
"""
