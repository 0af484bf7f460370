"""Chaos: faults against the running product while clients play, and then the account of it, entry by entry.

`make chaos` runs the long form, `tests/chaos/test_chaos.py` the short one. A run is made by its seed: the same seed
gives the same faults in the same order.
"""
