"""What web and workers share: pure rules (scoring, ranking, signing, periods) and the adapters they meet in.

Nothing here knows Flask or Celery, and a pure module never imports an adapter; `lint-imports` holds both.
"""
