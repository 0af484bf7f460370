"""Measures the running product on this machine. Figures of two machines do not compare; ratios of one run do.

Nothing here is a test: no figure fails a build.
"""
