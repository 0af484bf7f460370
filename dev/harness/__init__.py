"""What the tests and the benches share: servers and a product of their own, and waiting for conditions.

Rule: it imports nothing from `tests`; the import linter holds that.
"""
