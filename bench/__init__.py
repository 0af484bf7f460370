"""Measurements of the running product on this machine. Only ratios within one run can be compared between machines.

Rule: nothing here is a test, and no figure fails a build; `make bench-check` is for a person who has a quiet machine.
"""
