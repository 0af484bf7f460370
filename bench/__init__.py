"""Measurements of the running product on this machine. Only ratios within one run can be compared between machines.

Rule: nothing here is a test; no figure fails a build.
"""
