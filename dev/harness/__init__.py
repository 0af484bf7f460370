"""What the tests and the benches share: servers and a product of their own, and waiting for conditions.

It imports nothing from `tests`; a rule of the import linter holds that.
"""
