"""The Celery side: it drains the inbox, counts, writes the truth and then shows it. It never speaks HTTP.

It meets the web only in `common`; a task body reads, calls a pure function, writes and publishes.
"""
