"""The documents at `/openapi.json` and `/asyncapi.json` and the page at `/docs`, made of what the views declare.

Nothing is written twice: what a view parses, answers and guards is read from the view; only sentences stand here.
"""
