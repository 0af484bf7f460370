"""The process around the application: gunicorn's configuration, worker and log, and what the process needs once.

Rule: nothing here knows a route.
"""
