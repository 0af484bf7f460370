"""Loads on the running product, made by locust: concurrent updates, socket limits, the cache, the database.

Each module named in `runs.LOADS` is a locust file: its users check every answer as it comes. What they were told is
handed over when locust ends (`told.py`), and held against what the stores have (`accounts.py`).
"""
