"""The views of the HTTP API, about ten lines each: parse, call, answer.

Rule: a view declares who may call it (`web.guards.access`) and what it answers (`web.reference.documented`).
"""
