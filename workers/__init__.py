"""The Celery workers: they drain the inbox, count, commit to PostgreSQL, and then update Redis. They know no HTTP.

It meets the web only in `common`; a task body reads, calls a pure function, writes and publishes.
"""
