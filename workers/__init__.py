"""The Celery workers: they drain the inbox, count, commit to PostgreSQL, and then update Redis. They know no HTTP.

They share only `common` with the web. Rule: a task body reads, calls a pure function, writes and publishes.
"""
