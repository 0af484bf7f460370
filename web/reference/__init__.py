"""The documents at `/openapi.json` and `/asyncapi.json` and the page at `/docs`, made of what the views declare.

Rule: nothing is written twice. What a view parses, answers and guards is read from the view; only prose is added here.
"""
