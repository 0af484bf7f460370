"""What web and workers share, in rooms that are layers: each imports only from those named after it.

`services` (both stores together), `postgres` and `redis_store` (one store each, which do not know each other), `domain`
(pure rules and values), `contract` (what crosses the wire), `core` (settings, logs, metrics). `lint-imports` holds it,
and that nothing here knows Flask or Celery.
"""
