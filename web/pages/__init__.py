"""The page at `/`: its view, its templates, its script (`frontend/`, compiled into `static/`) and its style.

Rule: the page works without its script, and shows nothing that the API does not.
"""
